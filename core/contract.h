/// Contracts for programmers: checked in debug and test builds, on host and device; they cost nothing in
/// release.
///
/// What a user can cause is never a contract but an `mq::Error`.
#pragma once

#if !defined(NDEBUG) || defined(MQ_CHECK_CONTRACTS)
#include <cassert>
#include <cstdio>
#include <cstdlib>
#if defined(__CUDA_ARCH__)
#define MQ_CONTRACT(kind, condition) assert(condition)
#else
#define MQ_CONTRACT(kind, condition)                                                        \
  do {                                                                                      \
    if (!(condition)) {                                                                     \
      std::fprintf(stderr, "%s:%d: %s broken: %s\n", __FILE__, __LINE__, kind, #condition); \
      std::abort();                                                                         \
    }                                                                                       \
  } while (false)
#endif
#else
// Read, so that what only contracts look at is not unused, but never evaluated.
#define MQ_CONTRACT(kind, condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#endif

#define MQ_EXPECTS(condition) MQ_CONTRACT("precondition", condition)
#define MQ_ENSURES(condition) MQ_CONTRACT("postcondition", condition)
