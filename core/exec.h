/// Where and with how many threads something is computed; passed explicitly, never global.
#pragma once

#include <string_view>

namespace mq {

enum class Backend {
  reference,  ///< double-precision oracle, slow and plain
  cpu,
  cuda,
};

struct Exec {
  Backend backend = Backend::cpu;
  int threads = 1;         ///< CPU threads; results never depend on it
  int device = 0;          ///< CUDA device
  void* stream = nullptr;  ///< CUDA stream
};

std::string_view name(Backend backend);

/// "reference", "cpu" or "cuda"; throws ConfigError for anything else.
Backend backend_from_name(std::string_view name);

/// Cores that this process may use; at least 1.
int available_threads();

}  // namespace mq
