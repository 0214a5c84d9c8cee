#include "embed/pickle_stack.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace catwalk::embed {
namespace {

// A vision tower of 32 layers has values 9 deep, and some 20,000 of them.
constexpr std::size_t deepest = 1000;
constexpr std::uint64_t most_values = 1'000'000;

// What torch 2.13 was seen to take for each, in bytes, and some more.
constexpr std::uint64_t value_bytes = 32;     ///< on the stack, in the memo or in a container
constexpr std::uint64_t text_bytes = 64;      ///< beside its characters
constexpr std::uint64_t sequence_bytes = 96;  ///< a list or a tuple
constexpr std::uint64_t object_bytes = 512;   ///< a dict, an object or a tensor
constexpr std::uint64_t member_bytes = 128;   ///< a key or a value of a dict, beside itself

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument(why);
}

bool is_container(const pickle_value& value) noexcept {
  return value.kind >= pickle_kind::tuple;
}

}  // namespace

void pickle_stack::spend(std::uint64_t bytes) {
  if (bytes > memory_) refuse("its objects take more memory than a module's do");
  memory_ -= bytes;
}

void pickle_stack::push(const pickle_value& value) {
  spend(value_bytes);
  stack_.push_back(value);
}

void pickle_stack::push_bytes(pickle_kind kind, std::uint64_t place, std::uint64_t size) {
  spend(text_bytes + size);
  push({kind, static_cast<std::uint32_t>(size), static_cast<std::int64_t>(place)});
}

void pickle_stack::push_storage(std::int64_t elements) {
  spend(object_bytes);
  push({pickle_kind::storage, 0, elements});
}

void pickle_stack::push_empty(pickle_kind kind) {
  push(make(kind));
}

pickle_value pickle_stack::pop() {
  const auto top = stack_[last(1)];
  stack_.pop_back();
  return top;
}

void pickle_stack::mark() {
  if (marks_.size() == deepest) refuse("its values lie more than 1,000 deep within each other");
  marks_.push_back(stack_.size());
}

std::size_t pickle_stack::to_mark() {
  if (marks_.empty()) refuse("a mark is missing");
  const auto begin = marks_.back();
  marks_.pop_back();
  return begin;
}

std::size_t pickle_stack::last(std::size_t count) const {
  if (stack_.size() - bottom() < count) refuse("a value is missing");
  return stack_.size() - count;
}

pickle_value pickle_stack::make(pickle_kind kind) {
  spend(kind == pickle_kind::tuple || kind == pickle_kind::list ? sequence_bytes : object_bytes);
  containers_.emplace_back();
  return {kind, static_cast<std::uint32_t>(containers_.size() - 1), 0};
}

void pickle_stack::put(const pickle_value& into, const pickle_value& value) {
  auto& outer = containers_[into.extent];
  ++outer.members;
  ++outer.values;
  if (is_container(value)) {
    if (value.extent == into.extent) refuse("a list or dict lies within itself");
    auto& inner = containers_[value.extent];
    inner.placed = true;
    outer.values += inner.values;
    outer.depth = std::max(outer.depth, inner.depth + 1);
  }
  if (outer.depth > deepest) refuse("its values lie more than 1,000 deep within each other");
  if (outer.values > most_values) refuse("it unfolds to more than 1,000,000 values");
}

void pickle_stack::fill(const pickle_value& into, std::size_t begin) {
  if (into.kind == pickle_kind::dict) spend((stack_.size() - begin) * member_bytes);
  for (std::size_t i = begin; i < stack_.size(); ++i) put(into, stack_[i]);
  stack_.resize(begin);
}

void pickle_stack::push_filled(pickle_kind kind, std::size_t begin) {
  const auto made = make(kind);
  if (kind == pickle_kind::tuple) {
    containers_[made.extent].first = tuples_.size();
    tuples_.insert(tuples_.end(), stack_.begin() + static_cast<std::ptrdiff_t>(begin), stack_.end());
  }
  fill(made, begin);
  push(made);
}

void pickle_stack::add_to(pickle_kind kind, std::size_t begin) {
  if (begin == bottom()) refuse("a list or dict is missing");
  const auto into = stack_[begin - 1];
  if (into.kind != kind || containers_[into.extent].placed) refuse("values are added to what takes none");
  fill(into, begin);
}

void pickle_stack::push_made_of(const pickle_value& arguments) {
  const auto made = make(pickle_kind::object);
  put(made, arguments);
  if (is_container(arguments)) spend(containers_[arguments.extent].members * value_bytes);
  push(made);
}

void pickle_stack::remember(std::uint64_t place) {
  if (stack_.empty()) refuse("a value is missing");
  if (place >= memo_.size()) {
    spend((place + 1 - memo_.size()) * value_bytes);
    memo_.resize(place + 1);
  }
  memo_[place] = stack_.back();
}

void pickle_stack::recall(std::uint64_t place) {
  if (place >= memo_.size()) refuse("the memo has no place " + std::to_string(place));
  push(memo_[place]);
}

std::span<const pickle_value> pickle_stack::members(const pickle_value& value) const {
  if (value.kind != pickle_kind::tuple) return {};
  const auto& tuple = containers_[value.extent];
  return std::span(tuples_).subspan(tuple.first, tuple.members);
}

}  // namespace catwalk::embed
