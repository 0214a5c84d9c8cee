#include "embed/zip_archive.hpp"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "config/letter_case.hpp"

namespace catwalk::embed {
namespace {

using namespace std::string_view_literals;

static_assert(std::endian::native == std::endian::little, "zip is little-endian, and so is this reader");

constexpr std::uint64_t max_directory = 4'000'000;
constexpr std::uint32_t in_extra_field = 0xffffffff;  ///< of a size or place that takes 64 bits

// The fixed parts of its records, in bytes.
constexpr std::size_t local_header = 30, directory_header = 46, end_record = 22, locator64 = 20,
                      end_record64 = 56, longest_comment = 0xffff;

error invalid(const std::string& on, std::string why) {
  return {errc::model_invalid, "cannot read archive", on, std::move(why),
          "the file is damaged or incomplete: fetch it again"};
}

/// The number at that place; that it lies within `bytes` is for the caller to know.
template <class Number>
Number number_at(std::string_view bytes, std::size_t place) noexcept {
  Number value = 0;
  std::memcpy(&value, bytes.data() + place, sizeof value);
  return value;
}

bool within(std::string_view bytes, std::uint64_t place, std::uint64_t size) noexcept {
  return place <= bytes.size() && size <= bytes.size() - place;
}

struct directory_place {
  std::uint64_t entries = 0, begin = 0, size = 0;
};

/// What the last end record says, or the one of 64 bits that goes before it. nullopt: there is none.
std::optional<directory_place> find_directory(std::string_view bytes) {
  const auto tail = bytes.substr(bytes.size() - std::min(bytes.size(), end_record + longest_comment));
  if (tail.size() < end_record) return std::nullopt;
  const auto found = tail.rfind("PK\x05\x06"sv, tail.size() - end_record);
  if (found == std::string_view::npos) return std::nullopt;
  const auto end = bytes.size() - tail.size() + found;
  if (end < locator64 + end_record64 || bytes.substr(end - locator64, 4) != "PK\x06\x07"sv)
    return directory_place{number_at<std::uint16_t>(bytes, end + 10),
                           number_at<std::uint32_t>(bytes, end + 16),
                           number_at<std::uint32_t>(bytes, end + 12)};
  const auto wide = number_at<std::uint64_t>(bytes, end - locator64 + 8);
  if (!within(bytes, wide, end_record64) || bytes.substr(wide, 4) != "PK\x06\x06"sv) return std::nullopt;
  return directory_place{number_at<std::uint64_t>(bytes, wide + 32),
                         number_at<std::uint64_t>(bytes, wide + 48),
                         number_at<std::uint64_t>(bytes, wide + 40)};
}

/// An entry's numbers, of which those of 64 bits stand in the extra field.
struct entry_numbers {
  std::uint64_t size, stored, begin;
};

/// False where one of them is said to be in the extra field and is not.
bool widen(entry_numbers& numbers, std::string_view extra) {
  std::string_view wide;
  while (extra.size() >= 4) {
    const auto id = number_at<std::uint16_t>(extra, 0);
    const auto size = number_at<std::uint16_t>(extra, 2);
    if (!within(extra, 4, size)) return false;
    if (id == 1) {
      wide = extra.substr(4, size);
      break;
    }
    extra.remove_prefix(4 + size);
  }
  for (auto* number : {&numbers.size, &numbers.stored, &numbers.begin}) {
    if (*number != in_extra_field) continue;
    if (wide.size() < 8) return false;
    *number = number_at<std::uint64_t>(wide, 0);
    wide.remove_prefix(8);
  }
  return true;
}

/// Takes the directory's next entry off its front. Throws std::invalid_argument for what it cannot be.
zip_entry take_entry(std::string_view archive, std::string_view& directory) {
  if (directory.size() < directory_header || !directory.starts_with("PK\x01\x02"sv))
    throw std::invalid_argument("its directory is damaged");
  const auto flags = number_at<std::uint16_t>(directory, 8);
  const auto method = number_at<std::uint16_t>(directory, 10);
  const std::size_t name_size = number_at<std::uint16_t>(directory, 28);
  const std::size_t extra_size = number_at<std::uint16_t>(directory, 30);
  const std::size_t comment_size = number_at<std::uint16_t>(directory, 32);
  if (!within(directory, directory_header, name_size + extra_size + comment_size))
    throw std::invalid_argument("its directory is damaged");
  entry_numbers numbers{number_at<std::uint32_t>(directory, 24), number_at<std::uint32_t>(directory, 20),
                        number_at<std::uint32_t>(directory, 42)};
  const auto extra = directory.substr(directory_header + name_size, extra_size);

  zip_entry entry{std::string(directory.substr(directory_header, name_size)), {}, 0, method == 8};
  directory.remove_prefix(directory_header + name_size + extra_size + comment_size);
  const auto wrong = [&](const std::string& why) { return std::invalid_argument(entry.name + why); };
  constexpr std::uint16_t encrypted = 1U | 1U << 6U | 1U << 13U;
  if (entry.name.find('\0') != std::string::npos) throw std::invalid_argument("a name in it ends too early");
  if ((flags & encrypted) != 0) throw wrong(" is encrypted");
  if (method != 0 && method != 8) throw wrong(" is neither stored nor deflated");
  if (!widen(numbers, extra)) throw wrong(" lacks a size");
  if (!within(archive, numbers.begin, local_header) || archive.substr(numbers.begin, 4) != "PK\x03\x04"sv)
    throw wrong(" is not where the directory says");
  const auto begin = numbers.begin + local_header + number_at<std::uint16_t>(archive, numbers.begin + 26) +
                     number_at<std::uint16_t>(archive, numbers.begin + 28);
  if (!within(archive, begin, numbers.stored)) throw wrong(" goes beyond the end of the file");
  if (!entry.deflated && numbers.stored != numbers.size) throw wrong(" claims another size than it has");
  entry.bytes = archive.substr(begin, numbers.stored);
  entry.size = numbers.size;
  return entry;
}

}  // namespace

result<zip_archive> zip_archive::read(std::string_view bytes, const std::string& on) {
  const auto place = find_directory(bytes);
  if (!place) return invalid(on, "it has no directory at its end");
  if (place->size > max_directory || place->entries > max_directory / directory_header)
    return invalid(on, "its directory is larger than 4 MB");
  if (!within(bytes, place->begin, place->size)) return invalid(on, "its directory lies outside of it");
  zip_archive archive;
  auto directory = bytes.substr(place->begin, place->size);
  try {
    while (archive.entries_.size() < place->entries) archive.entries_.push_back(take_entry(bytes, directory));
  } catch (const std::invalid_argument& e) {
    return invalid(on, e.what());
  }
  for (std::size_t i = 0; i < archive.entries_.size(); ++i) {
    const auto& name = archive.entries_[i].name;
    if (!archive.places_.emplace(config::lower_case(name), i).second)
      return invalid(on, "the entry " + name + " stands in it twice");
  }
  return archive;
}

const zip_entry* zip_archive::find(std::string_view name) const {
  const auto found = places_.find(config::lower_case(name));
  return found == places_.end() ? nullptr : &entries_[found->second];
}

std::optional<std::string> unpacked(const zip_entry& entry) {
  if (!entry.deflated) return std::string(entry.bytes);
  if (entry.bytes.size() > std::numeric_limits<uInt>::max() || entry.size > std::numeric_limits<uInt>::max())
    return std::nullopt;
  std::string out(entry.size, '\0');
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(entry.bytes.data()));
  stream.avail_in = static_cast<uInt>(entry.bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  constexpr int without_header = -MAX_WBITS;
  if (inflateInit2(&stream, without_header) != Z_OK) return std::nullopt;
  const int ended = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  if (ended != Z_STREAM_END || stream.avail_out != 0) return std::nullopt;
  return out;
}

}  // namespace catwalk::embed
