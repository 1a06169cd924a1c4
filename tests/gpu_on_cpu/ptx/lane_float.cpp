// Compiled without contraction and without -ffast-math, with -fno-trapping-math: IEEE 754, no flags.
#include "lane_loops.h"

namespace ptx::PTX_ISA {
namespace {

using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

/// NVIDIA's fp32 units answer every NaN with this one; doubles keep theirs.
PTX_INLINE float canonical(float x) { return x != x ? __builtin_bit_cast(float, 0x7fffffffu) : x; }
PTX_INLINE double canonical(double x) { return x; }

PTX_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
PTX_INLINE double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
PTX_INLINE float root(float a) { return __builtin_sqrtf(a); }
PTX_INLINE double root(double a) { return __builtin_sqrt(a); }
PTX_INLINE bool is_negative(float a) { return (__builtin_bit_cast(U32, a) >> 31) != 0; }
PTX_INLINE bool is_negative(double a) { return (__builtin_bit_cast(U64, a) >> 63) != 0; }
PTX_INLINE float magnitude(float a) {
  return __builtin_bit_cast(float, __builtin_bit_cast(U32, a) & 0x7fffffffu);
}
PTX_INLINE double magnitude(double a) {
  return __builtin_bit_cast(double, __builtin_bit_cast(U64, a) << 1 >> 1);
}
PTX_INLINE float negated(float a) {
  return __builtin_bit_cast(float, __builtin_bit_cast(U32, a) ^ 0x80000000u);
}
PTX_INLINE double negated(double a) {
  return __builtin_bit_cast(double, __builtin_bit_cast(U64, a) ^ U64(1) << 63);
}

/// A NaN gives way to a number, and -0 is less than +0.
template <class T>
PTX_INLINE T smaller(T a, T b) {
  const T number = a < b || (a == b && is_negative(a)) ? a : b;
  return canonical(a != a ? b : (b != b ? a : number));
}
template <class T>
PTX_INLINE T larger(T a, T b) {
  const T number = a > b || (a == b && !is_negative(a)) ? a : b;
  return canonical(a != a ? b : (b != b ? a : number));
}
PTX_INLINE float nan() { return __builtin_bit_cast(float, 0x7fffffffu); }

template <class T>
void add_arithmetic(LaneOpSink& sink, const char* type, const char* rn_type) {
  for (const char* t : {type, rn_type}) {
    add_binary<T, T, T>(sink, "add", t, [](T a, T b) { return canonical(a + b); });
    add_binary<T, T, T>(sink, "sub", t, [](T a, T b) { return canonical(a - b); });
    add_binary<T, T, T>(sink, "mul", t, [](T a, T b) { return canonical(a * b); });
  }
  add_ternary<T, T, T, T>(sink, "fma", rn_type, [](T a, T b, T c) { return canonical(fused(a, b, c)); });
  add_ternary<T, T, T, T>(sink, "mad", rn_type, [](T a, T b, T c) { return canonical(fused(a, b, c)); });
  add_binary<T, T, T>(sink, "div", rn_type, [](T a, T b) { return canonical(a / b); });
  add_unary<T, T>(sink, "rcp", rn_type, [](T a) { return canonical(T(1) / a); });
  add_unary<T, T>(sink, "sqrt", rn_type, [](T a) { return canonical(root(a)); });
  add_unary<T, T>(sink, "neg", type, [](T a) { return negated(a); });
  add_unary<T, T>(sink, "abs", type, [](T a) { return magnitude(a); });
  add_binary<T, T, T>(sink, "copysign", type,
                      [](T a, T b) { return is_negative(a) ? negated(magnitude(b)) : magnitude(b); });
  add_binary<T, T, T>(sink, "min", type, [](T a, T b) { return smaller(a, b); });
  add_binary<T, T, T>(sink, "max", type, [](T a, T b) { return larger(a, b); });
}

template <class T>
void add_comparisons(LaneOpSink& sink, const char* type) {
  add_compare<T>(sink, "setp.eq", type, [](T a, T b) { return a == b; });
  add_compare<T>(sink, "setp.ne", type, [](T a, T b) { return a < b || a > b; });
  add_compare<T>(sink, "setp.lt", type, [](T a, T b) { return a < b; });
  add_compare<T>(sink, "setp.le", type, [](T a, T b) { return a <= b; });
  add_compare<T>(sink, "setp.gt", type, [](T a, T b) { return a > b; });
  add_compare<T>(sink, "setp.ge", type, [](T a, T b) { return a >= b; });
  add_compare<T>(sink, "setp.equ", type, [](T a, T b) { return !(a < b || a > b); });
  add_compare<T>(sink, "setp.neu", type, [](T a, T b) { return a != b; });
  add_compare<T>(sink, "setp.ltu", type, [](T a, T b) { return !(a >= b); });
  add_compare<T>(sink, "setp.leu", type, [](T a, T b) { return !(a > b); });
  add_compare<T>(sink, "setp.gtu", type, [](T a, T b) { return !(a <= b); });
  add_compare<T>(sink, "setp.geu", type, [](T a, T b) { return !(a < b); });
  add_compare<T>(sink, "setp.num", type, [](T a, T b) { return a == a && b == b; });
  add_compare<T>(sink, "setp.nan", type, [](T a, T b) { return a != a || b != b; });
}

template <class T>
void select(std::byte* file, const LaneArguments& o, std::uint32_t mask) {
  const Slot<T>* a = slot_at<T>(file, o.a);
  const Slot<T>* b = slot_at<T>(file, o.b);
  const std::uint32_t p = predicate_at(file, o.c);
  for_lanes<T>(slot_at<T>(file, o.d), mask,
               [&](int l) { return unpack<T>((p >> l & 1) != 0 ? a[l] : b[l]); });
}

template <class T>
void add_choices(LaneOpSink& sink, const char* type) {
  sink.add("selp", type, sizeof(T) == 8 ? "xxxp" : "wwwp", &select<T>);
  add_unary<T, T>(sink, "mov", type, [](T a) { return a; });
}

template <class F>
void of_predicates(std::byte* file, const LaneArguments& o, std::uint32_t mask) {
  const std::uint32_t b = o.b == kNoOperand ? 0 : predicate_at(file, o.b);
  write_predicate(file, o.d, F{}(predicate_at(file, o.a), b), mask);
}
template <class F>
void add_logic(LaneOpSink& sink, const char* name, const char* operands, F) {
  sink.add(name, "pred", operands, &of_predicates<F>);
}

// Units that round as they please: near the true value, but not NVIDIA's bits.
void add_approximations(LaneOpSink& sink) {
  const char* const type = "approx.f32";
  add_unary<float, float>(sink, "rcp", type, [](float a) { return canonical(1.0f / a); });
  add_unary<float, float>(sink, "sqrt", type, [](float a) { return canonical(root(a)); });
  add_unary<float, float>(sink, "rsqrt", type, [](float a) { return canonical(1.0f / root(a)); });
  add_unary<float, float>(sink, "sin", type, [](float a) { return canonical(__builtin_sinf(a)); });
  add_unary<float, float>(sink, "cos", type, [](float a) { return canonical(__builtin_cosf(a)); });
  add_unary<float, float>(sink, "lg2", type, [](float a) { return canonical(__builtin_log2f(a)); });
  add_unary<float, float>(sink, "ex2", type, [](float a) { return canonical(__builtin_exp2f(a)); });
  add_unary<float, float>(sink, "tanh", type, [](float a) { return canonical(__builtin_tanhf(a)); });
  add_binary<float, float, float>(sink, "div", type, [](float a, float b) { return canonical(a / b); });
  add_binary<float, float, float>(sink, "div", "full.f32", [](float a, float b) { return canonical(a / b); });
}

}  // namespace

void add_float_ops(LaneOpSink& sink) {
  add_arithmetic<float>(sink, "f32", "rn.f32");
  add_arithmetic<double>(sink, "f64", "rn.f64");
  add_binary<float, float, float>(sink, "min.NaN", "f32",
                                  [](float a, float b) { return a != a || b != b ? nan() : smaller(a, b); });
  add_binary<float, float, float>(sink, "max.NaN", "f32",
                                  [](float a, float b) { return a != a || b != b ? nan() : larger(a, b); });
  add_comparisons<float>(sink, "f32");
  add_comparisons<double>(sink, "f64");
  for (const char* type : {"b16", "u16", "s16"}) add_choices<U16>(sink, type);
  for (const char* type : {"b32", "u32", "s32", "f32"}) add_choices<U32>(sink, type);
  for (const char* type : {"b64", "u64", "s64", "f64"}) add_choices<U64>(sink, type);
  add_logic(sink, "mov", "pp", [](std::uint32_t a, std::uint32_t) { return a; });
  add_logic(sink, "not", "pp", [](std::uint32_t a, std::uint32_t) { return ~a; });
  add_logic(sink, "and", "ppp", [](std::uint32_t a, std::uint32_t b) { return a & b; });
  add_logic(sink, "or", "ppp", [](std::uint32_t a, std::uint32_t b) { return a | b; });
  add_logic(sink, "xor", "ppp", [](std::uint32_t a, std::uint32_t b) { return a ^ b; });
  const auto first_unless_negative = [](auto a, auto b, std::int32_t c) { return c >= 0 ? a : b; };
  for (const char* type : {"b32.s32", "u32.s32", "s32.s32", "f32.s32"})
    add_ternary<U32, U32, U32, std::int32_t>(sink, "slct", type, first_unless_negative);
  for (const char* type : {"b64.s32", "u64.s32", "s64.s32", "f64.s32"})
    add_ternary<U64, U64, U64, std::int32_t>(sink, "slct", type, first_unless_negative);
  add_approximations(sink);
}

}  // namespace ptx::PTX_ISA
