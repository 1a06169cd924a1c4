/// How a property of phase-change cells depends on the relative conductance x, in the parametrisation that
/// measurements can identify.
///
/// The law of the model is clip(slope ln x + offset, low, high). Cells of finite conductance show the slope
/// where they lie between the clips, and a plateau where they lie on one; a plateau that no cell reaches
/// cannot be known. So a law has one of three forms, of which the data choose (pcm_start.h):
///     constant   low
///     sloped     slope ln x + offset
///     clipped    max(slope ln x + offset, low)
/// `high`, which the smallest conductances would show, and `low` of a sloped law are no results: the preset
/// holds the law there at the value of the first and last measured target, so that nothing is extrapolated.
#pragma once

namespace mq {

enum class LawForm { constant, sloped, clipped };

constexpr int parameters(LawForm form) {
  return form == LawForm::constant ? 1 : form == LawForm::sloped ? 2 : 3;
}

/// Value of the law at ln x, and its derivatives with respect to the parameters: low; slope, offset; or
/// slope, offset, low.
struct LawValue {
  double value = 0.0;
  double derivatives[3] = {0.0, 0.0, 0.0};
};
inline bool is_on_plateau(LawForm form, const double* parameters, double log_x) {
  return form == LawForm::clipped && parameters[0] * log_x + parameters[1] < parameters[2];
}
inline LawValue law_value(LawForm form, const double* parameters, double log_x, bool on_plateau) {
  if (form == LawForm::constant) return {parameters[0], {1.0, 0.0, 0.0}};
  if (on_plateau) return {parameters[2], {0.0, 0.0, 1.0}};
  return {parameters[0] * log_x + parameters[1], {log_x, 1.0, 0.0}};
}
inline double law_value(LawForm form, const double* parameters, double log_x) {
  return law_value(form, parameters, log_x, is_on_plateau(form, parameters, log_x)).value;
}

}  // namespace mq
