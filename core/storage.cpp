#include "meltquench/core/storage.h"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "meltquench/core/error.h"
#include "meltquench/core/files.h"
#include "meltquench/core/json.h"
#include "meltquench/core/storage_seal.h"

namespace mq {
namespace fs = std::filesystem;
namespace {

constexpr int kOpenAttempts = 50;
constexpr auto kBetweenAttempts = std::chrono::milliseconds(10);

/// HDF5's serial library keeps global state.
std::recursive_mutex library_mutex;

/// An HDF5 identifier with the function that closes it.
class Handle {
 public:
  Handle() = default;
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Handle() { reset(); }
  /// False if closing failed, e.g. because the disk is full.
  bool reset() { return id_ < 0 || close_(std::exchange(id_, -1)) >= 0; }
  bool is_valid() const { return id_ >= 0; }
  hid_t get() const { return id_; }

 private:
  hid_t id_ = -1;
  herr_t (*close_)(hid_t) = nullptr;
};

/// Keeps HDF5 from printing its error stack; what it says is read with `hdf5_reason` where it helps.
void silence_hdf5() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

herr_t keep_deepest(unsigned, const H5E_error2_t* error, void* text) {
  if (error->desc != nullptr) *static_cast<std::string*>(text) = error->desc;
  return 0;
}

/// The innermost thing that HDF5 complained about.
std::string hdf5_reason() {
  std::string reason;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_deepest, &reason);
  return reason.empty() ? "no reason given" : reason;
}

// HDF5's names are variables that its library fills in at the start, so these tables cannot be constants.
hid_t memory_type(DType dtype) {
  const hid_t types[] = {H5T_NATIVE_FLOAT,  H5T_NATIVE_DOUBLE, H5T_NATIVE_INT8,  H5T_NATIVE_INT16,
                         H5T_NATIVE_INT32,  H5T_NATIVE_INT64,  H5T_NATIVE_UINT8, H5T_NATIVE_UINT16,
                         H5T_NATIVE_UINT32, H5T_NATIVE_UINT64};
  return types[static_cast<int>(dtype)];
}

hid_t file_type(DType dtype) {
  const hid_t types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_STD_I8LE,  H5T_STD_I16LE, H5T_STD_I32LE,
                         H5T_STD_I64LE,  H5T_STD_U8LE,   H5T_STD_U16LE, H5T_STD_U32LE, H5T_STD_U64LE};
  return types[static_cast<int>(dtype)];
}

/// Texts of one fixed length, padded with NUL: HDF5's variable ones live in a heap whose bytes nobody
/// controls.
Handle text_type(std::size_t length) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), std::max<std::size_t>(length, 1));
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

std::optional<DType> dtype_of_file_type(hid_t type) {
  if (H5Tget_class(type) == H5T_STRING)
    return H5Tis_variable_str(type) > 0 ? std::nullopt : std::optional(DType::text);
  for (int i = 0; i < static_cast<int>(DType::text); ++i) {
    if (H5Tequal(type, file_type(static_cast<DType>(i))) > 0) return static_cast<DType>(i);
  }
  return std::nullopt;
}

Handle make_space(const Shape& shape) {
  if (shape.empty()) return {H5Screate(H5S_SCALAR), H5Sclose};
  const std::vector<hsize_t> lengths(shape.begin(), shape.end());
  return {H5Screate_simple(static_cast<int>(lengths.size()), lengths.data(), nullptr), H5Sclose};
}

Shape shape_of(hid_t space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> lengths(static_cast<std::size_t>(std::max(rank, 0)));
  if (rank > 0) H5Sget_simple_extent_dims(space, lengths.data(), nullptr);
  return {lengths.begin(), lengths.end()};
}

/// Creation properties of an object that remembers no time: equal content shall give equal bytes.
Handle without_times(hid_t kind) {
  Handle properties(H5Pcreate(kind), H5Pclose);
  H5Pset_obj_track_times(properties.get(), false);
  return properties;
}

std::string absolute(std::string_view path) {
  return path.starts_with('/') ? std::string(path) : "/" + std::string(path);
}

Value read_attribute(hid_t attribute) {
  const Handle type(H5Aget_type(attribute), H5Tclose);
  switch (H5Tget_class(type.get())) {
    case H5T_INTEGER: {
      std::int64_t value = 0;
      if (H5Tget_size(type.get()) == 1) {  // booleans are the only integers of one byte
        H5Aread(attribute, H5T_NATIVE_INT64, &value);
        return Value(value != 0);
      }
      if (H5Aread(attribute, H5T_NATIVE_INT64, &value) >= 0) return Value(value);
      break;
    }
    case H5T_FLOAT: {
      double value = 0;
      if (H5Aread(attribute, H5T_NATIVE_DOUBLE, &value) >= 0) return Value(value);
      break;
    }
    case H5T_STRING: {
      std::string text(H5Tget_size(type.get()), '\0');
      if (H5Aread(attribute, type.get(), text.data()) < 0) break;
      return Value(text.substr(0, text.find('\0')));
    }
    default:
      break;
  }
  return Value();
}

}  // namespace

std::string_view name(DType dtype) {
  constexpr std::string_view kNames[] = {"float32", "float64", "int8",   "int16",  "int32", "int64",
                                         "uint8",   "uint16",  "uint32", "uint64", "text"};
  return kNames[static_cast<int>(dtype)];
}

std::size_t size_of(DType dtype) {
  constexpr std::size_t kSizes[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 0};
  return kSizes[static_cast<int>(dtype)];
}

std::string format_shape(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

std::size_t element_count(const Shape& shape) {
  std::size_t count = 1;
  for (std::size_t length : shape) count *= length;
  return count;
}

struct H5Writer::File {
  fs::path path;
  std::string kind;
  Handle file;

  /// The file grows in memory, so this is no matter of the disk.
  [[noreturn]] void fail(std::string_view what) const {
    throw StorageError(
        fmt::format("cannot build {} of {} in memory: {}", what, path.string(), hdf5_reason()));
  }

  /// Makes the groups above a path. HDF5 could do this by itself, but would store the time in them.
  void make_groups_above(const std::string& at) {
    for (std::size_t slash = at.find('/', 1); slash != std::string::npos; slash = at.find('/', slash + 1)) {
      make_group(at.substr(0, slash));
    }
  }

  void make_group(const std::string& at) {
    if (H5Lexists(file.get(), at.c_str(), H5P_DEFAULT) > 0) return;
    const Handle properties = without_times(H5P_GROUP_CREATE);
    const Handle group(H5Gcreate2(file.get(), at.c_str(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
                       H5Gclose);
    if (!group.is_valid()) fail(at);
  }

  /// A group or data set, made as a group if there is none.
  Handle open_or_make(const std::string& at) {
    if (at != "/") {
      make_groups_above(at);
      make_group(at);
    }
    Handle object(H5Oopen(file.get(), at.c_str(), H5P_DEFAULT), H5Oclose);
    if (!object.is_valid()) fail(at);
    return object;
  }

  void write(std::string_view path_text, hid_t stored, hid_t memory, const void* data, const Shape& shape) {
    const std::string at = absolute(path_text);
    make_groups_above(at);
    if (H5Lexists(file.get(), at.c_str(), H5P_DEFAULT) > 0) {
      throw StateError(fmt::format("{} is in {} already; write each data set once", at, path.string()));
    }
    const Handle space = make_space(shape), properties = without_times(H5P_DATASET_CREATE);
    const Handle dataset(
        H5Dcreate2(file.get(), at.c_str(), stored, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
        H5Dclose);
    if (!dataset.is_valid()) fail(at);
    if (element_count(shape) > 0 && H5Dwrite(dataset.get(), memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0)
      fail(at);
  }
};

H5Writer::H5Writer(const fs::path& file, std::string_view kind, int version)
    : file_(std::make_unique<File>()) {
  const std::lock_guard lock(library_mutex);
  silence_hdf5();
  file_->path = file;
  file_->kind = kind;
  const Handle creation = without_times(H5P_FILE_CREATE), access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_userblock(creation.get(), kSealSize);
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18);  // attributes may exceed 64 KiB
  // In memory: after a write to a full disk HDF5 can neither close its file nor end the process without a
  // crash.
  H5Pset_fapl_core(access.get(), std::size_t{1} << 20, false);
  file_->file = {H5Fcreate(file.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose};
  if (!file_->file.is_valid()) file_->fail("the start");
  set_attribute("/", "format", fmt::format("meltquench {}", kind));
  set_attribute("/", "version", version);
}

H5Writer::H5Writer(H5Writer&&) noexcept = default;
H5Writer& H5Writer::operator=(H5Writer&&) noexcept = default;

H5Writer::~H5Writer() {
  const std::lock_guard lock(library_mutex);
  file_.reset();
}

void H5Writer::write_bytes(std::string_view path, DType dtype, std::span<const std::byte> bytes,
                           const Shape& shape) {
  const std::lock_guard lock(library_mutex);
  const std::size_t count = bytes.size() / size_of(dtype);
  if (count != element_count(shape)) {
    throw ShapeError(
        fmt::format("{}: {} elements do not fill the shape {}", path, count, format_shape(shape)));
  }
  file_->write(path, file_type(dtype), memory_type(dtype), bytes.data(), shape);
}

void H5Writer::write(std::string_view path, std::span<const std::string> texts, const Shape& shape) {
  const std::lock_guard lock(library_mutex);
  if (texts.size() != element_count(shape)) {
    throw ShapeError(
        fmt::format("{}: {} texts do not fill the shape {}", path, texts.size(), format_shape(shape)));
  }
  std::size_t length = 1;
  for (const std::string& text : texts) {
    length = std::max(length, text.size());
    if (text.find('\0') != std::string::npos)
      throw DataError(fmt::format("{}: a text holds a NUL character", path));
  }
  std::string padded;
  for (const std::string& text : texts) padded += text + std::string(length - text.size(), '\0');
  const Handle type = text_type(length);
  file_->write(path, type.get(), type.get(), padded.data(), shape);
}

void H5Writer::write_text(std::string_view path, std::string_view text) {
  const std::string copy(text);
  write(path, std::span(&copy, 1), {});
}

void H5Writer::set_attribute(std::string_view path, std::string_view name, const Value& value) {
  const std::lock_guard lock(library_mutex);
  const Handle object = file_->open_or_make(absolute(path));
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const auto write = [&](hid_t stored, hid_t memory, const void* data) {
    const Handle attribute(
        H5Acreate2(object.get(), std::string(name).c_str(), stored, space.get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    if (!attribute.is_valid() || H5Awrite(attribute.get(), memory, data) < 0) {
      file_->fail(fmt::format("attribute {} of {}", name, path));
    }
  };
  if (value.is_boolean()) {
    const std::int64_t flag = value.as_boolean();
    write(H5T_STD_I8LE, H5T_NATIVE_INT64, &flag);
  } else if (value.is_integer()) {
    const std::int64_t integer = value.as_integer();
    write(H5T_STD_I64LE, H5T_NATIVE_INT64, &integer);
  } else if (value.is_number()) {
    const double number = value.as_number();
    write(H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &number);
  } else {
    const std::string text = value.is_text() ? value.as_text() : to_json(value);
    if (text.find('\0') != std::string::npos)
      throw DataError(fmt::format("{}: a text holds a NUL character", name));
    const Handle type = text_type(text.size());
    write(type.get(), type.get(), text.c_str());
  }
}

void H5Writer::set_attributes(std::string_view path, const Value& table) {
  for (const Value::Entry& entry : table.as_table()) set_attribute(path, entry.key, entry.value);
}

void H5Writer::commit() {
  const std::lock_guard lock(library_mutex);
  const std::unique_ptr<File> file = std::move(file_);
  const hid_t id = file->file.get();
  // H5Fget_file_image would be the tidy way, but 1.10 spoils the checksum of the superblock in the copy that
  // it gives; it only tells the size, without the block in front. The handle of HDF5's driver for memory is
  // the address of its pointer to the bytes.
  void* memory = nullptr;
  const ssize_t size = H5Fflush(id, H5F_SCOPE_GLOBAL) < 0 ? -1 : H5Fget_file_image(id, nullptr, 0);
  if (size < 0 || H5Fget_vfd_handle(id, H5P_DEFAULT, &memory) < 0 || memory == nullptr) file->fail("the end");
  std::string bytes(*static_cast<char**>(memory), kSealSize + static_cast<std::size_t>(size));
  file->file.reset();
  write_seal(bytes, file->kind);
  write_file_atomically(file->path, bytes);
}

struct H5Reader::File {
  fs::path path;
  std::string kind;
  int version = 0;
  Handle file;
  std::vector<DatasetInfo> datasets;  // sorted by path
  std::set<std::string> groups;

  [[noreturn]] void fail(std::string_view at, std::string_view problem) const {
    throw DataError(fmt::format("{} of {} {}", at, path.string(), problem));
  }

  Handle open_dataset(const std::string& at) const {
    Handle dataset(H5Dopen2(file.get(), at.c_str(), H5P_DEFAULT), H5Dclose);
    if (!dataset.is_valid()) fail(at, "cannot be opened: " + hdf5_reason());
    return dataset;
  }
};

namespace {

struct Visit {
  std::vector<std::string> datasets;
  std::set<std::string> groups;
};

herr_t visit_object(hid_t, const char* name, const H5O_info_t* info, void* data) {
  Visit& visit = *static_cast<Visit*>(data);
  const std::string path = std::string_view(name) == "." ? "/" : "/" + std::string(name);
  if (info->type == H5O_TYPE_DATASET) visit.datasets.push_back(path);
  if (info->type == H5O_TYPE_GROUP) visit.groups.insert(path);
  return 0;
}

}  // namespace

H5Reader::H5Reader(const fs::path& file, std::string_view kind, int newest_version)
    : file_(std::make_unique<File>()) {
  const std::lock_guard lock(library_mutex);
  silence_hdf5();
  file_->path = file;
  file_->kind = check_seal(file);
  if (!kind.empty() && file_->kind != kind) {
    throw DataError(
        fmt::format("{} holds \"{}\", not \"{}\"; check the path", file.string(), file_->kind, kind));
  }
  // HDF5 refuses what somebody has locked; whoever looks for files of killed processes does so for a moment.
  for (int attempt = 0; attempt < kOpenAttempts; ++attempt) {
    file_->file = {H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose};
    if (file_->file.is_valid()) break;
    std::this_thread::sleep_for(kBetweenAttempts);
  }
  if (!file_->file.is_valid()) {
    throw DataError(fmt::format("{} cannot be opened as HDF5: {}", file.string(), hdf5_reason()));
  }
  Visit visit;
  H5Ovisit2(file_->file.get(), H5_INDEX_NAME, H5_ITER_INC, visit_object, &visit, H5O_INFO_BASIC);
  file_->groups = std::move(visit.groups);
  std::sort(visit.datasets.begin(), visit.datasets.end());
  for (const std::string& path : visit.datasets) {
    const Handle dataset = file_->open_dataset(path);
    const Handle type(H5Dget_type(dataset.get()), H5Tclose), space(H5Dget_space(dataset.get()), H5Sclose);
    const std::optional<DType> dtype = dtype_of_file_type(type.get());
    if (!dtype) file_->fail(path, "has a type that Meltquench never writes");
    file_->datasets.push_back({path, *dtype, shape_of(space.get())});
  }
  const Value version = attribute("/", "version");
  file_->version = version.is_integer() ? static_cast<int>(version.as_integer()) : 0;
  if (!kind.empty() && file_->version > newest_version) {
    throw DataError(
        fmt::format("{} has version {} of \"{}\", but this Meltquench knows versions up to {}; update it",
                    file.string(), file_->version, kind, newest_version));
  }
}

H5Reader::H5Reader(H5Reader&&) noexcept = default;
H5Reader& H5Reader::operator=(H5Reader&&) noexcept = default;

H5Reader::~H5Reader() {
  const std::lock_guard lock(library_mutex);
  file_.reset();
}

std::string H5Reader::kind() const { return file_->kind; }
int H5Reader::version() const { return file_->version; }
std::vector<DatasetInfo> H5Reader::datasets() const { return file_->datasets; }

bool H5Reader::contains(std::string_view path) const {
  const std::string at = absolute(path);
  return file_->groups.count(at) > 0 || std::any_of(file_->datasets.begin(), file_->datasets.end(),
                                                    [&](const DatasetInfo& info) { return info.path == at; });
}

DatasetInfo H5Reader::info(std::string_view path) const {
  const std::string at = absolute(path);
  const auto found =
      std::lower_bound(file_->datasets.begin(), file_->datasets.end(), at,
                       [](const DatasetInfo& info, const std::string& p) { return info.path < p; });
  if (found == file_->datasets.end() || found->path != at) file_->fail(at, "is not there");
  return *found;
}

DatasetInfo H5Reader::checked_info(std::string_view path, DType expected, const Shape* shape) const {
  DatasetInfo found = info(path);
  if (found.dtype != expected) {
    file_->fail(found.path, fmt::format("is {} (must be {})", name(found.dtype), name(expected)));
  }
  if (shape != nullptr && found.shape != *shape) {
    file_->fail(found.path, fmt::format("has the shape {} (must be {})", format_shape(found.shape),
                                        format_shape(*shape)));
  }
  return found;
}

void H5Reader::read_bytes(std::string_view path, std::span<std::byte> bytes) const {
  const std::lock_guard lock(library_mutex);
  const DatasetInfo found = info(path);
  if (found.dtype == DType::text || bytes.size() != element_count(found.shape) * size_of(found.dtype)) {
    throw ShapeError(fmt::format("{} of {} has {} elements of {}, not {} bytes", found.path,
                                 file_->path.string(), element_count(found.shape), name(found.dtype),
                                 bytes.size()));
  }
  if (bytes.empty()) return;
  const Handle dataset = file_->open_dataset(found.path);
  if (H5Dread(dataset.get(), memory_type(found.dtype), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) {
    file_->fail(found.path, "cannot be read: " + hdf5_reason());
  }
}

std::vector<std::string> H5Reader::read_texts(std::string_view path) const {
  const std::lock_guard lock(library_mutex);
  const DatasetInfo found = checked_info(path, DType::text, nullptr);
  const Handle dataset = file_->open_dataset(found.path);
  const Handle type(H5Dget_type(dataset.get()), H5Tclose);
  const std::size_t length = H5Tget_size(type.get());
  std::string padded(length * element_count(found.shape), '\0');
  if (!padded.empty() &&
      H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, padded.data()) < 0) {
    file_->fail(found.path, "cannot be read: " + hdf5_reason());
  }
  std::vector<std::string> texts;
  for (std::size_t start = 0; start < padded.size(); start += length) {
    const std::string text = padded.substr(start, length);
    texts.push_back(text.substr(0, text.find('\0')));
  }
  return texts;
}

std::string H5Reader::read_text(std::string_view path) const {
  std::vector<std::string> texts = read_texts(path);
  if (texts.size() != 1)
    file_->fail(absolute(path), fmt::format("holds {} texts (must be one)", texts.size()));
  return std::move(texts.front());
}

Value H5Reader::attribute(std::string_view path, std::string_view name) const {
  const std::lock_guard lock(library_mutex);
  const std::string at = absolute(path);
  if (!contains(at)) return Value();
  const Handle object(H5Oopen(file_->file.get(), at.c_str(), H5P_DEFAULT), H5Oclose);
  const std::string key(name);
  if (!object.is_valid() || H5Aexists(object.get(), key.c_str()) <= 0) return Value();
  const Handle attribute(H5Aopen(object.get(), key.c_str(), H5P_DEFAULT), H5Aclose);
  return read_attribute(attribute.get());
}

Value H5Reader::attributes(std::string_view path) const {
  const std::lock_guard lock(library_mutex);
  const std::string at = absolute(path);
  Value table = Value::table();
  if (!contains(at)) return table;
  const Handle object(H5Oopen(file_->file.get(), at.c_str(), H5P_DEFAULT), H5Oclose);
  H5O_info_t info;
  if (!object.is_valid() || H5Oget_info(object.get(), &info) < 0) return table;
  for (hsize_t i = 0; i < info.num_attrs; ++i) {
    const Handle attribute(
        H5Aopen_by_idx(object.get(), ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    if (!attribute.is_valid()) continue;
    std::string name(static_cast<std::size_t>(H5Aget_name(attribute.get(), 0, nullptr)), '\0');
    H5Aget_name(attribute.get(), name.size() + 1, name.data());
    table.set_key(name, read_attribute(attribute.get()));
  }
  return table;
}

}  // namespace mq
