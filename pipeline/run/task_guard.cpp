#include "pipeline/run/task_guard.hpp"

#include <fmt/format.h>

#include <cmath>
#include <exception>
#include <new>
#include <stdexcept>

#include "pipeline/measure/task_control.hpp"

namespace meander {
namespace {

Results failed(const Family& family, const std::string& why) {
  Results results(family);
  results.status(Status::failed, why);
  return results;
}

}  // namespace

std::optional<Results> guarded(const Family& family, const std::function<void(Results&)>& task) {
  try {
    Results results(family);
    task(results);
    const std::string flaw = results.undefined();
    if (!flaw.empty()) return failed(family, flaw);
    results.leave_out_infinite();
    return results;
  } catch (const Interrupted&) {
    return std::nullopt;
  } catch (const std::bad_alloc&) {
    return failed(family, "out of memory");
  } catch (const std::length_error& error) {  // a container asked for more than there can be
    return failed(family, fmt::format("out of memory ({})", error.what()));
  } catch (const std::exception& error) {
    return failed(family, error.what());
  } catch (...) {  // a library's own kind of exception
    return failed(family, "an error of unknown kind");
  }
}

}  // namespace meander
