/// How cells are written: once with the noise of the device model, or until they verify; and how the devices
/// of a polarity share a target. Section [programming] of a config.
#pragma once

#include <array>
#include <string_view>

#include "meltquench/core/fields.h"
#include "meltquench/devices/programming_pulse.h"

namespace mq {

enum class ProgrammingMethod {
  one_shot,      ///< one write with the programming noise that the device model states
  write_verify,  ///< pulses and reads in turn, explicitly: write_verify.h
};
constexpr auto names(ProgrammingMethod) {
  return std::array<std::string_view, 2>{"one-shot", "write-verify"};
}

/// How N devices of one polarity share the target of N g_max at most.
enum class Fill {
  max,    ///< one after the other to g_max
  equal,  ///< all alike
  mixed,  ///< as max; then the one device in between corrects, by a read, what the others missed
};
constexpr auto names(Fill) { return std::array<std::string_view, 3>{"max", "equal", "mixed"}; }

/// Margin and noise count in g_max. Defaults of the controller: at most 30 iterations as in M. Le Gallo et
/// al., Nat. Electron. 6, 680 (2023), doi:10.1038/s41928-023-01010-1; the other numbers are choices of this
/// project (docs/theory/programming.md).
struct ProgrammingParams {
  ProgrammingMethod method = ProgrammingMethod::one_shot;
  int devices = 1;
  Fill fill = Fill::max;
  float significance = 1.0f;
  float margin = 0.02f;
  float verify_noise = 0.01f;
  int read_bits = 0;
  int iterations = 30;
  float gain = 0.5f;
  int longest_train = 100;
  float v_read = 0.2_V;
  float t_read = 128.0_ns;
  ProgrammingPulse pulse;

  /// What device `device` of a polarity counts: significance^-device.
  double weight_of(int device) const {
    double weight = 1.0;
    for (int k = 0; k < device; ++k) weight /= double(significance);
    return weight;
  }
  /// What all devices of a polarity count together.
  double total_weight() const {
    double total = 0.0;
    for (int k = 0; k < devices; ++k) total += weight_of(k);
    return total;
  }

  static constexpr auto describe() {
    constexpr auto shares = [](const ProgrammingParams& p) { return p.devices > 1; };
    constexpr auto verifies = [](const ProgrammingParams& p) {
      return p.method == ProgrammingMethod::write_verify;
    };
    using enum Unit;
    return fields(
        field(
            "method", &ProgrammingParams::method,
            "One write with the programming noise of the device, or pulses and reads until a cell verifies."),
        field("devices", &ProgrammingParams::devices, between(1, 8),
              "Devices per polarity of a weight, side by side."),
        field(
            "fill", &ProgrammingParams::fill,
            "How these share a weight: one after the other, all alike, or one after the other with the last "
            "correcting what the others missed.")
            .acts_where("programming.devices > 1", shares),
        field("significance", &ProgrammingParams::significance, between(1, 64),
              "How much more a device counts than the next one of its polarity; 1: all alike.")
            .acts_where("programming.devices > 1", shares),
        field("margin", &ProgrammingParams::margin, between(1e-4, 1),
              "write-verify: deviation that is accepted, relative to g_max.")
            .acts_where("programming.method is write-verify", verifies),
        field("verify_noise", &ProgrammingParams::verify_noise, non_negative,
              "write-verify: standard deviation of one verify read, relative to g_max.")
            .acts_where("programming.method is write-verify", verifies),
        field("read_bits", &ProgrammingParams::read_bits, between(0, 16),
              "write-verify: bits of the ADCs that read all cells of a word line at once, with 1.25 g_max as "
              "full scale; 0: reads are analog.")
            .acts_where("programming.method is write-verify", verifies),
        field("iterations", &ProgrammingParams::iterations, between(1, 1000),
              "write-verify: pulses, each with a read, until a cell is given up.")
            .acts_where("programming.method is write-verify", verifies),
        field("gain", &ProgrammingParams::gain, between(1e-3, 10),
              "write-verify: share of the deviation that the next pulse corrects in the middle of the range.")
            .acts_where("programming.method is write-verify", verifies),
        field("longest_train", &ProgrammingParams::longest_train, between(1, 1e6),
              "write-verify of a pulsed device: pulses between two reads at most.")
            .acts_where("programming.method is write-verify", verifies),
        field("v_read", &ProgrammingParams::v_read, volt, positive, "write-verify: voltage of a read.")
            .acts_where("programming.method is write-verify", verifies),
        field("t_read", &ProgrammingParams::t_read, second, positive, "write-verify: duration of a read.")
            .acts_where("programming.method is write-verify", verifies),
        field("pulse", &ProgrammingParams::pulse, "What a programming pulse does and costs.")
            .acts_where("programming.method is write-verify", verifies));
  }
};

}  // namespace mq
