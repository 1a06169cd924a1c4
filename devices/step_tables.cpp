#include "meltquench/devices/step_tables.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "meltquench/core/config.h"
#include "meltquench/core/contract.h"
#include "meltquench/core/error.h"

namespace mq {
namespace {

using Row = StepTables::Row;

/// Mean of max(0, z - a) over a standard normal z.
double mean_excess(double a) {
  const double density = std::exp(-0.5 * a * a) / std::sqrt(2.0 * std::numbers::pi);
  return density - a * 0.5 * std::erfc(a / std::numbers::sqrt2);
}

/// Mean over a standard normal z of the line through the entries: a sum of ramps.
double mean_of(const Row& row) {
  const double h = 1.0 / StepTables::kLevelsPerUnit;
  double mean = row[0];
  for (std::size_t j = 0; j + 1 < row.size(); ++j) {
    const double z = StepTables::kFirstLevel + h * double(j);
    mean += (double(row[j + 1]) - row[j]) / h * (mean_excess(z) - mean_excess(z + h));
  }
  return mean;
}

Value rows_to_value(const StepTables& tables, bool is_up) {
  Value::Array rows;
  for (int k = 0; k < tables.rows; ++k) {
    Value::Array entries;
    for (const float entry : tables.row(k, is_up)) entries.emplace_back(double(entry));
    rows.emplace_back(std::move(entries));
  }
  return Value(std::move(rows));
}

std::vector<Row> rows_from_value(const Value& value, const std::string& path) {
  const Value::Array& list = detail::read_array(value, path);
  if (list.size() < 2 || list.size() > std::size_t(StepTables::kMaxRows)) {
    throw_config_error(path + " has " + std::to_string(list.size()) + " rows but must have 2 to " +
                           std::to_string(StepTables::kMaxRows) + ", from the lower to the upper bound",
                       value.source());
  }
  std::vector<Row> rows(list.size());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    detail::read_member(rows[k], list[k], Rule{}, detail::join_index(path, k));
    for (std::size_t j = 1; j < rows[k].size(); ++j) {
      if (rows[k][j] >= rows[k][j - 1]) continue;
      throw_config_error(detail::join_index(path, k) +
                             " falls; its entries are quantiles, from the smallest change to the largest",
                         list[k].source());
    }
  }
  return rows;
}

}  // namespace

StepTables StepTables::from_rows(std::span<const Row> up, std::span<const Row> down) {
  MQ_EXPECTS(up.size() == down.size() && up.size() >= 2 && up.size() <= std::size_t(kMaxRows));
  StepTables tables;
  tables.rows = static_cast<int>(up.size());
  for (std::size_t k = 0; k < up.size(); ++k) {
    for (const bool is_up : {true, false}) {
      const Row& row = is_up ? up[k] : down[k];
      float* entries = tables.entries + (is_up ? 0 : kDown) + kStride * static_cast<int>(k);
      for (std::size_t j = 0; j < row.size(); ++j) entries[j] = row[j];
      entries[kLevels] = static_cast<float>(mean_of(row));
    }
  }
  return tables;
}

StepTables::Row StepTables::row(int k, bool is_up) const {
  Row row;
  for (int j = 0; j < kLevels; ++j) {
    row[static_cast<std::size_t>(j)] = entries[(is_up ? 0 : kDown) + kStride * k + j];
  }
  return row;
}

Value field_to_value(const StepTables& tables, Quantities) {
  Value value = Value::table();
  value.set_key("up", rows_to_value(tables, true));
  value.set_key("down", rows_to_value(tables, false));
  return value;
}

void field_from_value(StepTables& tables, const Value& value, std::string_view path) {
  const std::vector<std::string> keys = {"up", "down"};
  detail::check_keys(value, keys, path);
  const Value* up = value.find("up");
  const Value* down = value.find("down");
  if (up == nullptr) {
    throw_config_error(std::string(path) + " needs `up`, the rows of changes by one pulse up",
                       value.source());
  }
  const std::vector<Row> up_rows = rows_from_value(*up, detail::join_path(path, "up"));
  const std::vector<Row> down_rows =
      down == nullptr ? up_rows : rows_from_value(*down, detail::join_path(path, "down"));
  if (up_rows.size() != down_rows.size()) {
    throw_config_error(std::string(path) + " has " + std::to_string(up_rows.size()) + " rows up but " +
                           std::to_string(down_rows.size()) + " down; give both at the same states",
                       value.source());
  }
  tables = StepTables::from_rows(up_rows, down_rows);
}

void describe_field(const StepTables& tables, FieldInfo& info) {
  info.kind = FieldKind::table;
  for (const char* key : {"up", "down"}) {
    FieldInfo child;
    child.name = key;
    child.kind = FieldKind::number;
    child.is_list = true;
    child.sentence =
        "2 to 16 rows, from the lower to the upper bound, of 15 changes over `step` each: the "
        "quantiles at normal scores -3.5, -3, ..., 3.5.";
    child.default_text = std::to_string(tables.rows) + " rows";
    info.children.push_back(std::move(child));
  }
}

}  // namespace mq
