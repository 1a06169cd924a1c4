#include "report.h"

#include "program.h"

namespace ptx {

const char* name_of(Work work) {
  static constexpr const char* kNames[kWorks] = {"fp32",     "fp64",   "integer", "special", "tensor",
                                                 "move",     "global", "shared",  "local",   "parameter",
                                                 "constant", "sync",   "control"};
  return kNames[static_cast<std::size_t>(work)];
}

Counts& Counts::operator+=(const Counts& o) {
  warps += o.warps;
  lanes += o.lanes;
  bytes += o.bytes;
  sectors += o.sectors;
  ideal_sectors += o.ideal_sectors;
  wavefronts += o.wavefronts;
  ideal_wavefronts += o.ideal_wavefronts;
  return *this;
}

double Counts::sector_ratio() const {
  return ideal_sectors == 0 ? 1.0 : static_cast<double>(sectors) / static_cast<double>(ideal_sectors);
}
double Counts::wavefront_ratio() const {
  return ideal_wavefronts == 0 ? 1.0
                               : static_cast<double>(wavefronts) / static_cast<double>(ideal_wavefronts);
}

Counts Report::total() const {
  Counts sum;
  for (const Counts& counts : instructions) sum += counts;
  return sum;
}

Counts Report::of(Work work) const {
  Counts sum;
  for (std::size_t k = 0; k < instructions.size(); ++k) {
    if (program->code[k].work == work) sum += instructions[k];
  }
  return sum;
}

const Finding* Report::find(Fault fault) const {
  for (const Finding& finding : findings) {
    if (finding.fault == fault) return &finding;
  }
  return nullptr;
}

std::string Report::sentences() const {
  std::string text;
  for (const Finding& finding : findings) {
    text +=
        finding.sentence + (finding.times > 1 ? " (" + std::to_string(finding.times) + " times)\n" : "\n");
  }
  return text;
}

namespace {

template <class Excess>
std::string worst(const Report& report, Excess excess) {
  std::uint64_t most = 0;
  std::size_t at = 0;
  for (std::size_t k = 0; k < report.instructions.size(); ++k) {
    const std::uint64_t e = excess(report.instructions[k]);
    if (e > most) {
      most = e;
      at = k;
    }
  }
  if (most == 0) return "";
  const Instruction& i = report.program->code[at];
  return "line " + std::to_string(i.line) + ", " + i.text;
}

}  // namespace

std::string Report::worst_of_sectors() const {
  return worst(*this,
               [](const Counts& c) { return c.sectors > c.ideal_sectors ? c.sectors - c.ideal_sectors : 0; });
}
std::string Report::worst_of_wavefronts() const {
  return worst(*this, [](const Counts& c) {
    return c.wavefronts > c.ideal_wavefronts ? c.wavefronts - c.ideal_wavefronts : 0;
  });
}

}  // namespace ptx
