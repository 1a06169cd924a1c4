#include "lane_ops.h"

#include <string>
#include <unordered_map>

namespace ptx {

namespace lanes_base {
void add_integer_ops(LaneOpSink& sink);
void add_float_ops(LaneOpSink& sink);
void add_conversions(LaneOpSink& sink);
}  // namespace lanes_base
#if defined(PTX_HAVE_V3)
namespace lanes_v3 {
void add_integer_ops(LaneOpSink& sink);
void add_float_ops(LaneOpSink& sink);
void add_conversions(LaneOpSink& sink);
}  // namespace lanes_v3
#endif

namespace {

class LaneOps final : public LaneOpSink {
 public:
  LaneOps() {
#if defined(PTX_HAVE_V3)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
      lanes_v3::add_integer_ops(*this);
      lanes_v3::add_float_ops(*this);
      lanes_v3::add_conversions(*this);
      return;
    }
#endif
    lanes_base::add_integer_ops(*this);
    lanes_base::add_float_ops(*this);
    lanes_base::add_conversions(*this);
  }

  void add(const char* name, const char* type, const char* operands, LaneFunction function) override {
    by_opcode_[std::string(name) + "." + type] = {function, operands};
  }
  const LaneOp* find(std::string_view opcode) const {
    const auto at = by_opcode_.find(std::string(opcode));
    return at == by_opcode_.end() ? nullptr : &at->second;
  }

 private:
  std::unordered_map<std::string, LaneOp> by_opcode_;
};

}  // namespace

const LaneOp* find_lane_op(std::string_view opcode) {
  static const LaneOps ops;
  return ops.find(opcode);
}

}  // namespace ptx
