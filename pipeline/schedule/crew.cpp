#include "pipeline/schedule/crew.hpp"

#include <cstddef>

namespace meander {
namespace {

MPI_Comm split_by_node(MPI_Comm world, int rank, bool pretend_nodes) {
  MPI_Comm node = MPI_COMM_NULL;
  if (pretend_nodes) {
    MPI_Comm_split(world, rank, 0, &node);
  } else {
    MPI_Comm_split_type(world, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &node);
  }
  return node;
}

Group form_group(MPI_Comm world, int rank, int ranks, int size) {
  Group group;
  group.size = size;
  group.workforce.groups = ranks / size;
  const bool member = rank < group.workforce.groups * size;
  group.leader = member && rank % size == 0;
  if (size == 1) {
    group.comm = MPI_COMM_SELF;
  } else {
    MPI_Comm_split(world, member ? rank / size : MPI_UNDEFINED, rank, &group.comm);
  }
  return group;
}

}  // namespace

Crew::Crew(MPI_Comm parent, std::span<const Phase> phases, bool pretend_nodes) {
  MPI_Comm_dup(parent, &world);
  int ranks = 1;
  MPI_Comm_rank(world, &rank);
  MPI_Comm_size(world, &ranks);
  node = split_by_node(world, rank, pretend_nodes);
  MPI_Comm_rank(node, &node_rank);

  const int is_first = node_rank == 0 ? 1 : 0;
  MPI_Allreduce(&is_first, &nodes, 1, MPI_INT, MPI_SUM, world);
  int first_ranks_so_far = 0;
  MPI_Scan(&is_first, &first_ranks_so_far, 1, MPI_INT, MPI_SUM, world);
  node_index = first_ranks_so_far - 1;
  MPI_Bcast(&node_index, 1, MPI_INT, 0, node);

  std::vector<int> leads(phases.size());
  for (std::size_t phase = 0; phase < phases.size(); ++phase) {
    groups.push_back(form_group(world, rank, ranks, phases[phase].ranks_per_task));
    leads[phase] = groups[phase].leader ? 1 : 0;
  }
  std::vector<int> leaders_here(phases.size());
  const int count = static_cast<int>(phases.size());
  MPI_Allreduce(leads.data(), leaders_here.data(), count, MPI_INT, MPI_SUM, node);
  std::vector<int> node_leads(phases.size());
  std::vector<int> node_has(phases.size());
  for (std::size_t phase = 0; phase < phases.size(); ++phase) {
    node_leads[phase] = node_rank == 0 && leaders_here[phase] > 0 ? 1 : 0;
    node_has[phase] = leaders_here[phase] > 0 ? leaders_here[phase] : ranks;
  }
  std::vector<int> leading_nodes(phases.size());
  std::vector<int> fewest(phases.size());
  MPI_Allreduce(node_leads.data(), leading_nodes.data(), count, MPI_INT, MPI_SUM, world);
  MPI_Allreduce(node_has.data(), fewest.data(), count, MPI_INT, MPI_MIN, world);
  for (std::size_t phase = 0; phase < phases.size(); ++phase) {
    groups[phase].leaders_on_node = leaders_here[phase];
    groups[phase].workforce.nodes = leading_nodes[phase];
    groups[phase].workforce.fewest_on_node = fewest[phase];
  }
}

void Crew::disband() {
  for (Group& group : groups) {
    if (group.size > 1 && group.member()) MPI_Comm_free(&group.comm);
  }
  MPI_Comm_free(&node);
  MPI_Comm_free(&world);
}

}  // namespace meander
