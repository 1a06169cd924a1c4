#include "meltquench/core/units.h"
#include "meltquench/devices/fit/csv.h"

namespace mq {
namespace {

void append(std::string& text, double value) { text += format_number(value); }

std::string cells_to_csv(const CellReads& reads, bool has_time) {
  std::string text = has_time ? "cell,target_S,time_s,g_S\n" : "cell,target_S,g_S\n";
  for (std::size_t i = 0; i < reads.size(); ++i) {
    text += std::to_string(reads.cell[i]) + ',';
    append(text, reads.target[i]);
    if (has_time) text += ',', append(text, reads.age[i]);
    text += ',', append(text, reads.g[i]);
    text += '\n';
  }
  return text;
}

}  // namespace

std::string reads_to_csv(const CellReads& reads) { return cells_to_csv(reads, true); }
std::string programming_to_csv(const CellReads& reads) { return cells_to_csv(reads, false); }

std::string pulses_to_csv(const PulseReads& pulses) {
  std::string text = "cell,sequence,pulse,direction,g_S\n";
  for (std::size_t i = 0; i < pulses.size(); ++i) {
    text += std::to_string(pulses.cell[i]) + ',' + std::to_string(pulses.sequence[i]) + ',' +
            std::to_string(pulses.pulse[i]) + (pulses.direction[i] > 0 ? ",up," : ",down,");
    append(text, pulses.g[i]);
    text += '\n';
  }
  return text;
}

std::string spectra_to_csv(const NoiseSpectra& spectra) {
  std::string text = "g_S,frequency_Hz,psd_S2_per_Hz\n";
  for (std::size_t i = 0; i < spectra.size(); ++i) {
    append(text, spectra.g[i]);
    text += ',', append(text, spectra.frequency[i]);
    text += ',', append(text, spectra.density[i]);
    text += '\n';
  }
  return text;
}

}  // namespace mq
