#include "meltquench/core/version.h"

namespace mq {

std::string_view version() { return MQ_VERSION; }

}  // namespace mq
