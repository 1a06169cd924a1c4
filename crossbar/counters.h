/// What a chip did, in integers: cost models read them, and no order of summation matters.
#pragma once

#include <cstdint>

#include "meltquench/core/value.h"

namespace mq {

struct Counters {
  std::int64_t mvms = 0;  ///< products of single tiles
  std::int64_t dac_conversions = 0;
  std::int64_t dac_clips = 0;     ///< inputs beyond the DAC's range
  std::int64_t sum_of_codes = 0;  ///< sum |DAC code|, over tiles that share an input
  std::int64_t adc_conversions = 0;
  std::int64_t adc_clips = 0;       ///< outputs beyond the ADC's range
  std::int64_t response_reads = 0;  ///< single word lines read to compensate drift; no products
  std::int64_t pulses = 0;          ///< programming pulses; one-shot: one per cell and write
  std::int64_t verify_steps = 0;    ///< reads of a cell between pulses
  std::int64_t unconverged = 0;     ///< cells that program-and-verify gave up
  std::int64_t programming_fj = 0;  ///< energy of program-and-verify [fJ]
  std::int64_t programming_ns = 0;  ///< its time [ns], tiles one after the other

  Counters& operator+=(const Counters& other);
  friend bool operator==(const Counters&, const Counters&) = default;
};

/// A table with one integer per counter, and back. Throws DataError if one is missing.
Value to_value(const Counters& counters);
Counters counters_from_value(const Value& table);

}  // namespace mq
