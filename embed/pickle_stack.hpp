#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace catwalk::embed {

enum class pickle_kind : std::uint8_t {
  plain,  ///< of no consequence: None, a truth value, a fraction
  number,
  text,
  function,
  storage,  ///< a tensor's data
  tuple,
  list,
  dict,
  object,  ///< what a function made of its arguments
};

/// A value on an unpickler's stack, as far as a walk through a pickle has to know it.
struct pickle_value {
  pickle_kind kind = pickle_kind::plain;
  /// Of a text and of a function's name: its bytes. Of a tuple, list, dict and object: which one it is.
  std::uint32_t extent = 0;
  /// The number itself; where in the pickle a text or a function's name begins; a storage's elements.
  std::int64_t number = 0;
};

/// The stack, marks and memo of torch's unpickler, without what the values hold. It counts the memory that
/// torch's objects take, how deep they lie within each other, for torch destroys them by recursion, and how
/// many there are to whoever follows each reference. Everything here throws std::invalid_argument, with the
/// reason in words, for what a pickle of torch's does not do.
class pickle_stack {
 public:
  /// `memory`: bytes that torch's objects may still take; what they take is subtracted.
  explicit pickle_stack(std::uint64_t& memory) : memory_(memory) {}

  void spend(std::uint64_t bytes);
  void push(const pickle_value& value);
  /// A text, or a function by its name: where in the pickle it stands.
  void push_bytes(pickle_kind kind, std::uint64_t place, std::uint64_t size);
  void push_storage(std::int64_t elements);
  void push_empty(pickle_kind kind);
  pickle_value pop();

  void mark();
  /// Takes the last mark away: where in the stack it was.
  std::size_t to_mark();
  /// Where the last values begin, of which there have to be so many since the last mark.
  std::size_t last(std::size_t count) const;

  // What these take are the values from `begin` on.
  void push_filled(pickle_kind kind, std::size_t begin);
  /// Adds them to the list or dict below them. One that is part of another is not added to: how deep that one
  /// is has been counted.
  void add_to(pickle_kind kind, std::size_t begin);

  /// What a function makes of `arguments`: an object with a place for each.
  void push_made_of(const pickle_value& arguments);

  void remember(std::uint64_t place);
  void recall(std::uint64_t place);

  /// A tuple's members; nothing for all else. Until the next push.
  std::span<const pickle_value> members(const pickle_value& value) const;

 private:
  struct container {
    std::uint64_t members = 0;
    std::uint64_t values = 1;  ///< in it and in all that lies in it, as often as it can be reached
    std::size_t first = 0;     ///< of a tuple: where in tuples_ its members begin
    std::uint32_t depth = 1;
    bool placed = false;  ///< in another one
  };

  std::size_t bottom() const noexcept { return marks_.empty() ? 0 : marks_.back(); }
  pickle_value make(pickle_kind kind);
  void put(const pickle_value& into, const pickle_value& value);
  void fill(const pickle_value& into, std::size_t begin);

  std::uint64_t& memory_;
  std::vector<pickle_value> stack_, memo_, tuples_;
  std::vector<std::size_t> marks_;
  std::vector<container> containers_;
};

}  // namespace catwalk::embed
