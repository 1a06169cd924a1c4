#include "meltquench/crossbar/counters.h"

#include <string>
#include <utility>

#include "meltquench/core/error.h"

namespace mq {
namespace {

constexpr std::pair<const char*, std::int64_t Counters::*> kMembers[] = {
    {"mvms", &Counters::mvms},
    {"dac_conversions", &Counters::dac_conversions},
    {"dac_clips", &Counters::dac_clips},
    {"sum_of_codes", &Counters::sum_of_codes},
    {"adc_conversions", &Counters::adc_conversions},
    {"adc_clips", &Counters::adc_clips},
    {"response_reads", &Counters::response_reads},
    {"pulses", &Counters::pulses},
    {"verify_steps", &Counters::verify_steps},
    {"unconverged", &Counters::unconverged},
    {"programming_fj", &Counters::programming_fj},
    {"programming_ns", &Counters::programming_ns},
};

}  // namespace

Counters& Counters::operator+=(const Counters& other) {
  for (const auto& [name, member] : kMembers) this->*member += other.*member;
  return *this;
}

Value to_value(const Counters& counters) {
  Value table = Value::table();
  for (const auto& [name, member] : kMembers) table.set_key(name, counters.*member);
  return table;
}

Counters counters_from_value(const Value& table) {
  Counters counters;
  for (const auto& [name, member] : kMembers) {
    const Value* value = table.find(name);
    if (value == nullptr || !value->is_integer()) {
      throw DataError("the counter '" + std::string(name) +
                      "' is missing; the file is damaged or from another version");
    }
    counters.*member = value->as_integer();
  }
  return counters;
}

}  // namespace mq
