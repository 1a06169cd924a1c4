/// The linear assignment problem: the Hungarian algorithm.
///
/// H. W. Kuhn, Nav. Res. Logist. Q. 2, 83 (1955); J. Munkres, J. SIAM 5, 32 (1957). Each row in turn takes a
/// column by the shortest augmenting path in reduced costs, as in R. Jonker and A. Volgenant, Computing 38,
/// 325 (1987): at most rows^2 x columns steps.
#pragma once

#include <cstdint>
#include <vector>

#include "meltquench/core/matrix_view.h"

namespace mq {

/// The column of each row, all different, for which the sum of cost[row, column] is least. A function of the
/// costs alone, also where several assignments are equally good. Expects finite costs, and no more rows than
/// columns.
std::vector<std::uint32_t> least_assignment(MatrixView<const double> cost);

}  // namespace mq
