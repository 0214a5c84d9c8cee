#include "embed/pickle_walk.hpp"

#include <array>
#include <cstring>
#include <span>
#include <stdexcept>

#include "embed/pickle_stack.hpp"

namespace catwalk::embed {
namespace {

using namespace std::string_view_literals;
using kind = pickle_kind;

constexpr std::size_t longest_name = 4000;  ///< of a function or a type, in bytes

/// What torch's unpickler knows, by the names of Python's pickletools.
enum class opcode : std::uint8_t {
  mark = '(',
  empty_tuple = ')',
  stop = '.',
  binfloat = 'G',
  binint = 'J',
  binint1 = 'K',
  binint2 = 'M',
  none = 'N',
  binpersid = 'Q',
  reduce = 'R',
  binunicode = 'X',
  empty_list = ']',
  append = 'a',
  build = 'b',
  global = 'c',
  dict = 'd',
  appends = 'e',
  binget = 'h',
  long_binget = 'j',
  list = 'l',
  binput = 'q',
  long_binput = 'r',
  setitem = 's',
  tuple = 't',
  setitems = 'u',
  empty_dict = '}',
  newobj = 0x81,
  tuple1 = 0x85,
  tuple2 = 0x86,
  tuple3 = 0x87,
  newtrue = 0x88,
  newfalse = 0x89,
  long1 = 0x8a,
  binunicode8 = 0x8d,
};

/// Bytes of an element of a storage.
struct storage_type {
  std::string_view name;
  std::uint64_t size;
};
constexpr std::array storage_types{
    storage_type{"torch\nFloatStorage", 4},        storage_type{"torch\nHalfStorage", 2},
    storage_type{"torch\nBFloat16Storage", 2},     storage_type{"torch\nDoubleStorage", 8},
    storage_type{"torch\nLongStorage", 8},         storage_type{"torch\nIntStorage", 4},
    storage_type{"torch\nShortStorage", 2},        storage_type{"torch\nCharStorage", 1},
    storage_type{"torch\nByteStorage", 1},         storage_type{"torch\nBoolStorage", 1},
    storage_type{"torch\nQInt8Storage", 1},        storage_type{"torch\nQUInt8Storage", 1},
    storage_type{"torch\nQInt32Storage", 4},       storage_type{"torch\nComplexHalfStorage", 4},
    storage_type{"torch\nComplexFloatStorage", 8}, storage_type{"torch\nComplexDoubleStorage", 16},
};

/// These change what is made of the functions after them, or of shapes that nothing checks.
constexpr std::array refused_functions{"torch._tensor\n_rebuild_from_type_v2"sv,
                                       "torch._utils\n_rebuild_sparse_tensor"sv,
                                       "torch.distributed.rpc\nrref"sv};

[[noreturn]] void refuse(const std::string& why) {
  throw std::invalid_argument(why);
}

/// Throws std::invalid_argument.
class walk {
 public:
  walk(std::string_view pickle, const record_size& size_of, unpickling_allowance& left)
      : pickle_(pickle), size_of_(size_of), left_(left), stack_(left.memory) {}

  void run() {
    if (pickle_.empty()) refuse("it is empty");
    if (take(2, "a protocol") != "\x80\x02"sv) refuse("it is no pickle of protocol 2");
    while (step()) {
    }
  }
  std::size_t at() const noexcept { return at_; }

 private:
  std::string_view take(std::uint64_t size, const char* what) {
    const auto rest = pickle_.size() - at_;
    if (size > rest)
      refuse(what + (" of " + std::to_string(size)) + " bytes, where " + std::to_string(rest) + " are left");
    const auto bytes = pickle_.substr(at_, size);
    at_ += size;
    return bytes;
  }

  template <class Number>
  Number number() {
    Number value = 0;
    std::memcpy(&value, take(sizeof value, "an opcode or number").data(), sizeof value);
    return value;
  }

  void push_number(std::int64_t value) { stack_.push({kind::number, 0, value}); }

  void push_text(std::uint64_t size) {
    const auto begin = at_;
    take(size, "a text");
    stack_.push_bytes(kind::text, begin, size);
  }

  std::string_view text_of(const pickle_value& value) const {
    return pickle_.substr(static_cast<std::size_t>(value.number), value.extent);
  }

  void push_function() {
    const auto begin = at_;
    for (int line = 0; line < 2; ++line) {
      const auto end = pickle_.substr(at_, longest_name).find('\n');
      if (end == std::string_view::npos) refuse("a function's name does not end");
      at_ += end + 1;
    }
    const auto name = pickle_.substr(begin, at_ - 1 - begin);
    for (const auto refused : refused_functions)
      if (name == refused)
        refuse("it calls " + std::string(name.substr(name.find('\n') + 1)) + ", which no image tower needs");
    stack_.push_bytes(kind::function, begin, name.size());
  }

  void call() {
    const auto arguments = stack_.pop(), function = stack_.pop();
    const auto name = function.kind == kind::function ? text_of(function) : ""sv;
    // Torch takes a number for a function, and gives numbers for most names of its own.
    if (name.empty() || (name.starts_with("torch\n") && name != "torch\ndevice"))
      refuse("it calls what is no function");
    if (name == "torch._utils\n_rebuild_tensor_v2" || name == "torch._utils\n_rebuild_qtensor")
      check_tensor(stack_.members(arguments));
    if (name == "torch.jit._pickle\nrestore_type_tag") check_type(stack_.members(arguments));
    stack_.push_made_of(arguments);
  }

  /// `parts`: a list or dict, and its type, which torch reads by recursion.
  void check_type(std::span<const pickle_value> parts) const {
    if (parts.size() != 2 || parts[1].kind != kind::text || parts[1].extent > longest_name)
      refuse("it names a type in another way than torch does");
  }

  void push_storage() {
    // "storage", its type, its key, the device, its elements.
    const auto parts = stack_.members(stack_.pop());
    if (parts.size() < 5 || parts[0].kind != kind::text || text_of(parts[0]) != "storage" ||
        parts[1].kind != kind::function || parts[2].kind != kind::text || parts[4].kind != kind::number ||
        parts[4].number < 0)
      refuse("it names a tensor's data in another way than torch does");
    std::uint64_t size = 0;
    for (const auto& type : storage_types)
      if (type.name == text_of(parts[1])) size = type.size;
    if (size == 0) refuse("it names a tensor's data of a type that catwalk does not know");
    const auto elements = parts[4].number;
    if (elements == 0) return stack_.push_storage(0);
    const auto record = size_of_(text_of(parts[2]));
    if (!record) refuse("it names a tensor's data that is not there");
    if (static_cast<std::uint64_t>(elements) > *record / size)
      refuse("a tensor's data are said to be " + std::to_string(elements) + " elements of " +
             std::to_string(size) + " bytes, and are " + std::to_string(*record) + " bytes");
    if (*record > left_.records) refuse("it reads the same tensors' data again and again");
    left_.records -= *record;
    // Torch reads all of it. Its older versions write how many the first tensor has of it.
    stack_.push_storage(static_cast<std::int64_t>(*record / size));
  }

  /// `parts`: the storage, where in it the tensor begins, its sizes, its strides, and more.
  void check_tensor(std::span<const pickle_value> parts) {
    if (parts.size() < 4 || parts[0].kind != kind::storage || parts[1].kind != kind::number ||
        parts[2].kind != kind::tuple || parts[3].kind != kind::tuple)
      refuse("it describes a tensor in another way than torch does");
    const auto sizes = stack_.members(parts[2]), strides = stack_.members(parts[3]);
    const auto stored = parts[0].number;
    std::int64_t count = 1, furthest = parts[1].number;
    bool sound = sizes.size() == strides.size() && furthest >= 0;
    for (std::size_t i = 0; sound && i < sizes.size(); ++i) {
      const auto size = sizes[i].number, stride = strides[i].number;
      std::int64_t reach = 0;
      sound = sizes[i].kind == kind::number && strides[i].kind == kind::number && size >= 0 && stride >= 0 &&
              !__builtin_mul_overflow(count, size, &count) &&
              !__builtin_mul_overflow(size - 1, stride, &reach) &&
              !__builtin_add_overflow(furthest, reach, &furthest);
    }
    if (!sound || (count > 0 && furthest >= stored)) refuse("a tensor reaches beyond its data");
    if (count <= stored) return;
    // One that repeats its elements takes room for each once it is copied, at 8 bytes at most.
    constexpr std::uint64_t copied = 8;
    const auto repeated = static_cast<std::uint64_t>(count - stored);
    if (repeated > left_.memory / copied)
      refuse("a tensor is said to be " + std::to_string(count) + " elements, and its data are " +
             std::to_string(stored));
    stack_.spend(repeated * copied);
  }

  /// False at the end.
  bool step() {
    const auto code = number<std::uint8_t>();
    switch (static_cast<opcode>(code)) {
      case opcode::stop:
        return false;
      case opcode::mark:
        stack_.mark();
        break;
      case opcode::none:
      case opcode::newtrue:
      case opcode::newfalse:
        stack_.push({});
        break;
      case opcode::binfloat:
        take(8, "a fraction");
        stack_.push({});
        break;
      case opcode::binint1:
        push_number(number<std::uint8_t>());
        break;
      case opcode::binint2:
        push_number(number<std::uint16_t>());
        break;
      case opcode::binint:
        push_number(number<std::int32_t>());
        break;
      case opcode::long1:
        if (number<std::uint8_t>() != 8) refuse("a long number does not have 8 bytes");
        push_number(number<std::int64_t>());
        break;
      case opcode::binunicode:
        push_text(number<std::uint32_t>());
        break;
      case opcode::binunicode8:
        push_text(number<std::uint64_t>());
        break;
      case opcode::global:
        push_function();
        break;
      case opcode::empty_tuple:
        stack_.push_filled(kind::tuple, stack_.last(0));
        break;
      case opcode::tuple1:
        stack_.push_filled(kind::tuple, stack_.last(1));
        break;
      case opcode::tuple2:
        stack_.push_filled(kind::tuple, stack_.last(2));
        break;
      case opcode::tuple3:
        stack_.push_filled(kind::tuple, stack_.last(3));
        break;
      case opcode::tuple:
        stack_.push_filled(kind::tuple, stack_.to_mark());
        break;
      case opcode::list:
        stack_.push_filled(kind::list, stack_.to_mark());
        break;
      case opcode::dict:
        stack_.push_filled(kind::dict, stack_.to_mark());
        break;
      case opcode::empty_list:
        stack_.push_empty(kind::list);
        break;
      case opcode::empty_dict:
        stack_.push_empty(kind::dict);
        break;
      case opcode::append:
        stack_.add_to(kind::list, stack_.last(1));
        break;
      case opcode::appends:
        stack_.add_to(kind::list, stack_.to_mark());
        break;
      case opcode::setitem:
        stack_.add_to(kind::dict, stack_.last(2));
        break;
      case opcode::setitems:
        stack_.add_to(kind::dict, stack_.to_mark());
        break;
      case opcode::binput:
        stack_.remember(number<std::uint8_t>());
        break;
      case opcode::long_binput:
        stack_.remember(number<std::uint32_t>());
        break;
      case opcode::binget:
        stack_.recall(number<std::uint8_t>());
        break;
      case opcode::long_binget:
        stack_.recall(number<std::uint32_t>());
        break;
      case opcode::newobj:
        stack_.pop();
        break;
      case opcode::reduce:
      case opcode::build:
        call();
        break;
      case opcode::binpersid:
        push_storage();
        break;
      default:
        refuse("it holds the opcode " + std::to_string(code) + ", which torch does not know");
    }
    return true;
  }

  std::string_view pickle_;
  const record_size& size_of_;
  unpickling_allowance& left_;
  pickle_stack stack_;
  std::size_t at_ = 0;
};

}  // namespace

std::string walk_pickle(std::string_view pickle, const record_size& size_of, unpickling_allowance& left) {
  walk through(pickle, size_of, left);
  try {
    through.run();
  } catch (const std::invalid_argument& e) {
    return e.what() + (", at byte " + std::to_string(through.at()));
  }
  return {};
}

}  // namespace catwalk::embed
