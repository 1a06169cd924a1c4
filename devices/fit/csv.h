/// Measurements as CSV files, which say what they hold by their header.
///
///     conductance over time     cell,target_uS,time_s,g_uS    time since the last pulse of this cell, or
///                               cell,target_uS,programmed_at_s,read_at_s,g_uS
///     programming histogram     cell,target_uS,g_uS           one verifying read per cell
///     conductance over pulses   cell,sequence,pulse,direction,g_uS   sequence and direction may be left out
///     noise spectra             g_uS,frequency_Hz,psd_uS2_per_Hz     one-sided
///
/// Columns stand in any order; a conductance may be in S, uS or nS, as its name says, a time in s, min or h.
/// The text is that of core/table_text.h; lines of nothing but separators are skipped. Nothing is guessed: a
/// column without a unit, one that is not known, or a number that no cell can have is an error.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "meltquench/devices/fit/measurements.h"

namespace mq {

/// Throws DataError: "<name>:<line>:<column>: what is wrong, and what to do".
Measurements parse_measurements(std::string_view text, std::string_view name);
/// Throws MissingError if the file is not there, DataError as above or beyond 512 MiB.
Measurements load_measurements(const std::filesystem::path& path);

/// The same tables as text; reading them back gives the same numbers.
std::string reads_to_csv(const CellReads& reads);
std::string programming_to_csv(const CellReads& reads);
std::string pulses_to_csv(const PulseReads& pulses);
std::string spectra_to_csv(const NoiseSpectra& spectra);

}  // namespace mq
