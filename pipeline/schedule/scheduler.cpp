#include "pipeline/schedule/scheduler.hpp"
