/// The front of the estimators: tables in, a device with intervals, goodness of fit and the curves of a
/// picture out.
#pragma once

#include <string>
#include <vector>

#include "meltquench/core/value.h"
#include "meltquench/devices/device.h"
#include "meltquench/devices/fit/estimate.h"
#include "meltquench/devices/fit/measurements.h"

namespace mq {

struct FitRequest {
  std::string model{};              ///< a name of `fit_models()`; empty: the one that the tables are made for
  std::string preset = "pcm-like";  ///< gives what the data do not tell, like t0 and t_read, to a `pcm`
  double g_max = 0.0;               ///< [S]; 0: the largest target
  int prog_terms = 3;               ///< terms of the polynomial of the programming noise, 1 to 4
  bool has_robust_intervals = true;  ///< sandwich errors; else those of the Fisher information
};

/// Data against model for one property.
struct FitPanel {
  struct Point {
    double x = 0.0, y = 0.0, low = 0.0, high = 0.0;
  };
  std::string title{}, x_title{}, y_title{};
  bool has_log_x = false;
  std::vector<Point> data{};   ///< with their 95 % intervals
  std::vector<Point> model{};  ///< low and high are those of a band, or y where there is none
};

struct FitResult {
  Value device{};  ///< table with `model` and all parameters, as a config takes it
  std::vector<Estimate> estimates{};
  std::vector<Goodness> goodness{};
  std::vector<std::string> notes{};  ///< sentences
  std::vector<std::string> files{};
  std::vector<FitPanel> panels{};
  bool has_converged = true;
  long rows = 0;                       ///< of all tables
  long rows_used = 0, cells_used = 0;  ///< that the estimates come from
};

/// The models that can be fitted.
std::vector<std::string> fit_models();

/// Throws DataError if the tables do not carry the model: units that differ (plausible.h), measurements that
/// do not tell a parameter (pcm_told.h, estimate.h), or a device that no config would take; ConfigError for
/// an unknown model or preset. What is returned is finite, and `fit_to_toml` of it is read again without
/// complaint.
FitResult fit_device(const Measurements& measurements, const FitRequest& request);

/// A preset file: a summary, the intervals and the goodness of fit as comments, then the device. Reading it
/// with `device_from_value` gives the fitted device.
std::string fit_to_toml(const FitResult& result);
/// The same as a table: device, estimates, goodness, notes, files.
Value fit_to_value(const FitResult& result);

}  // namespace mq
