/// How the processes of one training share the work of a minibatch: by logical shards, summed as integers.
///
/// A minibatch is split into `train.shards` shards by a fixed rule; which process computes which shard
/// changes nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mq {

struct ShardRange {
  std::size_t first = 0;
  std::size_t last = 0;  ///< one behind
};

class GradientSync {
 public:
  virtual ~GradientSync() = default;
  /// The shards that this process computes; each shard belongs to exactly one process.
  virtual ShardRange own_shards(std::size_t shards) const = 0;
  /// Whether there is no other process, so that `sum` would change nothing and need not be called.
  virtual bool is_alone() const { return false; }
  /// Replaces `sums`, in host memory, by the sum over all processes. Called once per step by every process,
  /// with equal sizes.
  virtual void sum(std::span<std::int64_t> sums) = 0;
};

/// One process that computes all shards.
class LocalSync final : public GradientSync {
 public:
  ShardRange own_shards(std::size_t shards) const override { return {0, shards}; }
  bool is_alone() const override { return true; }
  void sum(std::span<std::int64_t>) override {}
};

}  // namespace mq
