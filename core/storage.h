/// HDF5 files: arrays and attributes by path, written whole or not at all.
///
/// Files carry no times: equal content gives equal bytes. A first block of 512 bytes in front of the HDF5
/// data (which HDF5 tools skip) says in plain text what the file is and holds its length and CRC-32, so that
/// a truncated, damaged or foreign file is an error before HDF5 looks at it. h5py and h5dump read these files
/// as they are. Safe to use from several threads, one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "meltquench/core/value.h"

namespace mq {

enum class DType { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, text };

/// "float32", "int8", "text", ...
std::string_view name(DType dtype);

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) {
    return DType::f32;
  } else if constexpr (std::is_same_v<T, double>) {
    return DType::f64;
  } else {
    static_assert(std::is_integral_v<T> && !std::is_same_v<T, bool>, "no HDF5 data set of this type");
    constexpr int log2_size = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return static_cast<DType>(static_cast<int>(std::is_signed_v<T> ? DType::i8 : DType::u8) + log2_size);
  }
}

using Shape = std::vector<std::size_t>;

/// "[64, 784]"
std::string format_shape(const Shape& shape);
/// Product of the lengths; 1 for a scalar, `{}`.
std::size_t element_count(const Shape& shape);

struct DatasetInfo {
  std::string path;  ///< "/chips/0/g_target"
  DType dtype;
  Shape shape;
};

/// Builds a new file in memory (twice its size at the end); `commit` writes it. Until then, and if it fails,
/// the disk is as it was. Groups on a path are made as needed.
class H5Writer {
 public:
  /// `kind` ("results", "chip") and `version` become the root attributes `format` = "meltquench <kind>" and
  /// `version`.
  H5Writer(const std::filesystem::path& file, std::string_view kind, int version);
  ~H5Writer();  ///< without `commit`: forgets everything
  H5Writer(H5Writer&&) noexcept;
  H5Writer& operator=(H5Writer&&) noexcept;

  /// T: float, double, or a signed or unsigned integer of 8 to 64 bits. Throws ShapeError if `data` does not
  /// fill `shape`, StateError if the path exists already.
  template <class T>
  void write(std::string_view path, std::span<const T> data, const Shape& shape) {
    write_bytes(path, dtype_of<T>(), std::as_bytes(data), shape);
  }
  template <class T>
  void write(std::string_view path, const std::vector<T>& data, const Shape& shape) {
    write(path, std::span<const T>(data), shape);
  }
  template <class T>
  void write(std::string_view path, const std::vector<T>& data) {
    write(path, std::span<const T>(data), {data.size()});
  }
  void write(std::string_view path, std::span<const std::string> texts, const Shape& shape);
  void write(std::string_view path, const std::vector<std::string>& texts) {
    write(path, std::span<const std::string>(texts), {texts.size()});
  }
  /// One text, e.g. the resolved config. Texts hold no NUL characters (DataError).
  void write_text(std::string_view path, std::string_view text);

  /// Attribute of a data set or group ("/" or one that is made here). Integers, numbers, booleans and texts
  /// become typed attributes; arrays and tables become JSON text.
  void set_attribute(std::string_view path, std::string_view name, const Value& value);
  /// Every entry of a table as one attribute.
  void set_attributes(std::string_view path, const Value& table);

  /// Writes the file under a temporary name and renames it. Throws StorageError naming folder and reason. No
  /// other call may follow.
  void commit();

 private:
  void write_bytes(std::string_view path, DType dtype, std::span<const std::byte> bytes, const Shape& shape);

  struct File;
  std::unique_ptr<File> file_;
};

/// Reads a file that `H5Writer` wrote. Throws MissingError if it is not there, DataError if it is no HDF5
/// file, comes from another program, is truncated or damaged, is of another kind, or is newer than
/// `newest_version`.
class H5Reader {
 public:
  /// An empty `kind` takes every kind and version.
  H5Reader(const std::filesystem::path& file, std::string_view kind, int newest_version);
  ~H5Reader();
  H5Reader(H5Reader&&) noexcept;
  H5Reader& operator=(H5Reader&&) noexcept;

  std::string kind() const;
  int version() const;

  /// Whether there is a group or data set.
  bool contains(std::string_view path) const;
  /// All data sets, sorted by path.
  std::vector<DatasetInfo> datasets() const;
  /// Throws DataError naming file and path if it is not there.
  DatasetInfo info(std::string_view path) const;

  /// The elements of a data set, row-major. Throws DataError if it is not there or of another type.
  template <class T>
  std::vector<T> read(std::string_view path) const {
    std::vector<T> data(element_count(checked_info(path, dtype_of<T>(), nullptr).shape));
    read_bytes(path, std::as_writable_bytes(std::span(data)));
    return data;
  }
  /// The same for a known shape; another one is a DataError.
  template <class T>
  std::vector<T> read(std::string_view path, const Shape& expected) const {
    std::vector<T> data(element_count(checked_info(path, dtype_of<T>(), &expected).shape));
    read_bytes(path, std::as_writable_bytes(std::span(data)));
    return data;
  }
  /// Into memory of the caller, which must have the size of `expected`.
  template <class T>
  void read_into(std::string_view path, std::span<T> data, const Shape& expected) const {
    checked_info(path, dtype_of<T>(), &expected);
    read_bytes(path, std::as_writable_bytes(data));
  }
  std::vector<std::string> read_texts(std::string_view path) const;
  std::string read_text(std::string_view path) const;

  /// Null if there is no such attribute. Texts come back as texts, also where they hold JSON.
  Value attribute(std::string_view path, std::string_view name) const;
  /// All attributes of a group or data set, sorted by name; an empty table if it is not there.
  Value attributes(std::string_view path) const;

  /// The bytes of a data set of numbers as they lie in memory, e.g. for a digest. Throws ShapeError if
  /// `bytes` has another size.
  void read_bytes(std::string_view path, std::span<std::byte> bytes) const;

 private:
  DatasetInfo checked_info(std::string_view path, DType expected, const Shape* shape) const;

  struct File;
  std::unique_ptr<File> file_;
};

/// Bytes of one element; 0 for texts, whose length differs.
std::size_t size_of(DType dtype);

}  // namespace mq
