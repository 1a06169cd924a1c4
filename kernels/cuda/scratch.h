/// Device memory for the length of one operation, in the order of its stream: nobody clears it, and nobody
/// waits for it. It comes from the same pool as buffers.
#pragma once

#include <cstddef>

#include "meltquench/core/exec.h"

namespace mq::MQ_BACKEND {

class Scratch {
 public:
  /// Expects bytes > 0. Throws ResourceError if there is not enough memory.
  Scratch(const Exec& exec, std::size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void* data() const { return data_; }

 private:
  Exec exec_;
  void* data_;
};

}  // namespace mq::MQ_BACKEND
