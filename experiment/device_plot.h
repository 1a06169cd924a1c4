/// The figure of a device, drawn from its model's own code: what `meltquench describe NAME --plot` writes.
///
/// For every model: the spread between cells over their target, at the reference read and later; mean and
/// spread of reads over time; read noise over the target, where there is any. Before these, for one that
/// pulses move: conductance over pulses up and then down (mean, spread between devices, some single devices)
/// and the change by one pulse over the conductance; its panels that would show nothing but a level line are
/// left out. Every point is a sample of the model's functions with fixed seeds; no formula is written down a
/// second time.
#pragma once

#include <string>

#include "meltquench/devices/device.h"

namespace mq {

/// SVG text with a line end; equal parameters and titles give equal bytes.
std::string device_plot(const DeviceParams& params, const std::string& title);

/// The figure of a model (its defaults) or of a preset. Throws ConfigError with the nearest name.
std::string device_plot_of(const std::string& name);

}  // namespace mq
