#pragma once
// What an expression evaluates to, mostly by reference. Internal to the jmespath*.cpp files.
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <memory_resource>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "scrape/jmespath.hpp"

namespace catwalk::scrape::jmespath_detail {

class value;
using value_list = std::pmr::vector<value>;
/// A made object: keys point into the program, the document or the arena; each key once.
using value_map = std::pmr::vector<std::pair<const std::string*, value>>;

/// A part of the document or of a literal, or an array or object made of such values. Trivially copyable;
/// what it points to lives in the document, the program or the arena of the evaluation.
class value {
 public:
  value() noexcept;
  value(const nlohmann::json& json) noexcept : kind_(kind::json), pointer_(&json) {}
  value(const value_list& list) noexcept : kind_(kind::list), pointer_(&list) {}
  value(const value_map& map) noexcept : kind_(kind::map), pointer_(&map) {}

  /// The JSON value behind it; nullptr for a made array or object.
  const nlohmann::json* json() const noexcept {
    return kind_ == kind::json ? static_cast<const nlohmann::json*>(pointer_) : nullptr;
  }
  const value_list* list() const noexcept {
    return kind_ == kind::list ? static_cast<const value_list*>(pointer_) : nullptr;
  }
  const value_map* map() const noexcept {
    return kind_ == kind::map ? static_cast<const value_map*>(pointer_) : nullptr;
  }

  bool is_null() const noexcept { return json() && json()->is_null(); }
  bool is_boolean() const noexcept { return json() && json()->is_boolean(); }
  bool is_number() const noexcept { return json() && json()->is_number(); }
  bool is_string() const noexcept { return json() && json()->is_string(); }
  bool is_array() const noexcept { return list() || (json() && json()->is_array()); }
  bool is_object() const noexcept { return map() || (json() && json()->is_object()); }

  /// Elements of an array, members of an object.
  std::size_t size() const noexcept;
  /// The element at `index` < size() of an array.
  value operator[](std::size_t index) const;
  /// The member `key` of an object; null where it has none or is no object.
  value member(const std::string& key) const;
  const std::string& string() const { return json()->get_ref<const std::string&>(); }

  /// False values: null, false, "", [] and {}. Numbers are all true.
  bool truthy() const noexcept;

  /// Calls `take(key, value)` for each member of an object.
  template <class Take>
  void each_member(Take take) const {
    if (const auto* made = map())
      for (const auto& [key, member_value] : *made) take(*key, member_value);
    else if (json() && json()->is_object())
      for (const auto& [key, member_value] : json()->get_ref<const nlohmann::json::object_t&>())
        take(key, value(member_value));
  }

 private:
  enum class kind : std::uint8_t { json, list, map };

  kind kind_;
  const void* pointer_;
};

/// "string", "number", "boolean", "array", "object" or "null".
const char* type_name(const value& v) noexcept;

/// Less than 0, 0 or more than 0; both are numbers, of any representation.
int compare_numbers(const nlohmann::json& a, const nlohmann::json& b) noexcept;

/// True where `json` nests arrays and objects more than `limit` deep. Needs no stack itself.
bool exceeds_depth(const nlohmann::json& json, int limit);

/// Owns what an evaluation makes, and counts it.
class arena {
 public:
  const nlohmann::json& keep(nlohmann::json json) {
    ++work_;
    return owned_.emplace_front(std::move(json));
  }
  value_list& make_list() {
    return *new (memory_.allocate(sizeof(value_list), alignof(value_list))) value_list(&memory_);
  }
  value_map& make_map() {
    return *new (memory_.allocate(sizeof(value_map), alignof(value_map))) value_map(&memory_);
  }

  /// Counts `steps`; false once there were too many.
  bool work(std::size_t steps = 1) noexcept { return (work_ += steps) <= jmespath::max_work; }

  /// A copy of `v`; nullopt where it is too deep or too large.
  std::optional<nlohmann::json> copy(const value& v, int depth = 0);
  /// Deep equality, numbers by their worth; nullopt where the values are too deep or too large.
  std::optional<bool> equal(const value& a, const value& b, int depth = 0);

 private:
  std::byte first_block_[1024];
  // Lists and maps are never destroyed one by one: their memory is all here.
  std::pmr::monotonic_buffer_resource memory_{first_block_, sizeof first_block_};
  std::forward_list<nlohmann::json> owned_;
  std::size_t work_ = 0;
};

}  // namespace catwalk::scrape::jmespath_detail
