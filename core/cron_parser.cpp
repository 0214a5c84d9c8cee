// Reads a cron expression, field by field.
#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <vector>

#include "config/letter_case.hpp"
#include "core/cron.hpp"

namespace catwalk {
namespace {

constexpr std::array<std::string_view, 12> month_names{"january",   "february", "march",    "april",
                                                       "may",       "june",     "july",     "august",
                                                       "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> weekday_names{"sunday",   "monday", "tuesday", "wednesday",
                                                        "thursday", "friday", "saturday"};

struct field {
  std::string_view name;
  int lowest;
  int highest;
  std::span<const std::string_view> names;  ///< of `lowest` and on
};

const std::array<field, 5> fields{{{"minute", 0, 59, {}},
                                   {"hour", 0, 23, {}},
                                   {"day of month", 1, 31, {}},
                                   {"month", 1, 12, month_names},
                                   {"day of week", 0, 7, weekday_names}}};
enum : std::size_t { minute_field, hour_field, day_field, month_field, weekday_field };

struct shorthand {
  std::string_view name;
  std::string_view expression;
};

constexpr std::array<shorthand, 7> shorthands{{{"@hourly", "0 * * * *"},
                                               {"@daily", "0 0 * * *"},
                                               {"@midnight", "0 0 * * *"},
                                               {"@weekly", "0 0 * * 0"},
                                               {"@monthly", "0 0 1 * *"},
                                               {"@yearly", "0 0 1 1 *"},
                                               {"@annually", "0 0 1 1 *"}}};

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace

/// Fills one expression; the first problem ends it.
class cron_parser {
 public:
  explicit cron_parser(std::string_view text) : text_(text) { out_.text_ = text; }

  result<cron_expression> run() {
    auto words = split(text_);
    if (words.size() == 1 && words[0].starts_with('@')) {
      const auto found = std::find_if(shorthands.begin(), shorthands.end(), [&](const shorthand& s) {
        return config::equal_but_for_case(s.name, words[0]);
      });
      if (found == shorthands.end())
        return problem(words[0], "unknown shorthand",
                       "there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually");
      words = split(found->expression);
    }
    if (words.size() != fields.size())
      return problem(words.size() > fields.size() ? words[fields.size()] : text_.substr(text_.size()),
                     "expected five fields, found " + std::to_string(words.size()),
                     "write minute, hour, day of month, month and day of week, as in \"0 3 * * *\"");
    for (index_ = 0; index_ < words.size() && !problem_; ++index_) read_field(words[index_]);
    if (problem_) return *problem_;

    if (out_.weekdays_ >> 7 & 1) out_.weekdays_ |= 1;
    out_.weekdays_ &= 0x7F;
    const auto is_open = [](std::string_view word) { return word.starts_with('*') || word.starts_with('?'); };
    out_.both_days_ = is_open(words[day_field]) || is_open(words[weekday_field]);
    out_.real_time_ = is_open(words[minute_field]) || is_open(words[hour_field]);
    if (never()) return problem(words[day_field], "no month of the expression has such a day", "");
    return out_;
  }

 private:
  static std::vector<std::string_view> split(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t i = 0; i < text.size();) {
      if (is_space(text[i])) {
        ++i;
        continue;
      }
      const auto start = i;
      while (i < text.size() && !is_space(text[i])) ++i;
      words.push_back(text.substr(start, i - start));
    }
    return words;
  }

  /// `where` is a part of the text.
  error problem(std::string_view where, const std::string& why, const std::string& hint) const {
    const auto column = static_cast<std::size_t>(where.data() - text_.data()) + 1;
    const auto field_name = index_ < fields.size() ? std::string(fields[index_].name) + ": " : std::string();
    return {errc::invalid_expression, "cannot read cron expression", std::string(text_),
            field_name + why + " at column " + std::to_string(column), hint};
  }

  void fail(std::string_view where, const std::string& why, const std::string& hint = "") {
    if (!problem_) problem_ = problem(where, why, hint);
  }

  const field& current() const { return fields[index_]; }

  void read_field(std::string_view word) {
    for (std::size_t start = 0; start <= word.size() && !problem_;) {
      const auto end = std::min(word.find(',', start), word.size());
      read_item(word.substr(start, end - start));
      start = end + 1;
    }
  }

  void read_item(std::string_view item) {
    if (item.empty()) return fail(item, "a value is missing");
    if (index_ == day_field && (config::lower_case(item.front()) == 'l')) return read_last_day(item);
    if (index_ == weekday_field) {
      if (const auto hash = item.find('#'); hash != std::string_view::npos)
        return read_nth_weekday(item, hash);
      if (config::lower_case(item.back()) == 'l' && item.size() > 1) {
        if (const auto day = read_value(item.substr(0, item.size() - 1)))
          out_.nth_weekdays_[static_cast<std::size_t>(*day % 7)] |= 1;
        return;
      }
    }
    const auto slash = item.find('/');
    const auto range = item.substr(0, slash);
    int step = 1;
    if (slash != std::string_view::npos) {
      const auto text = item.substr(slash + 1);
      const auto number = read_number(text);
      if (!number || *number < 1) return fail(text.empty() ? item : text, "a step must be a number from 1");
      step = *number;
    }
    int first = current().lowest;
    int last = current().highest == 7 ? 6 : current().highest;
    if (range == "?" && index_ != day_field && index_ != weekday_field)
      return fail(range, "'?' is only for the two day fields");
    if (range != "*" && range != "?") {
      const auto dash = range.find('-');
      const auto from = read_value(range.substr(0, dash));
      if (!from) return;
      first = *from;
      if (dash != std::string_view::npos) {
        const auto to = read_value(range.substr(dash + 1));
        if (!to) return;
        last = index_ == weekday_field && *to == 0 && first > 0 ? 7 : *to;
        if (last < first)
          return fail(range, "the range ends before it starts", "write two ranges with a comma");
      } else if (slash == std::string_view::npos) {
        last = first;
      } else {
        last = std::max(first, last);  // 7/2 on weekdays
      }
    }
    for (int v = first; v <= last; v += step) set(v);
  }

  /// `L`, `last`, `L-3`.
  void read_last_day(std::string_view item) {
    const auto dash = item.find('-');
    const auto word = item.substr(0, dash);
    if (!config::equal_but_for_case(word, "l") && !config::equal_but_for_case(word, "last"))
      return fail(item, "expected L or L-n");
    int before = 0;
    if (dash != std::string_view::npos) {
      const auto number = read_number(item.substr(dash + 1));
      if (!number || *number > 30) return fail(item, "L-n takes a number from 0 to 30");
      before = *number;
    }
    out_.days_before_last_ |= 1U << before;
  }

  /// `5#2`.
  void read_nth_weekday(std::string_view item, std::size_t hash) {
    const auto day = read_value(item.substr(0, hash));
    if (!day) return;
    const auto nth = read_number(item.substr(hash + 1));
    if (!nth || *nth < 1 || *nth > 5) return fail(item, "expected a number from 1 to 5 behind '#'");
    auto& of_day = out_.nth_weekdays_[static_cast<std::size_t>(*day % 7)];
    of_day = static_cast<std::uint8_t>(of_day | 1U << *nth);
  }

  void set(int v) {
    switch (index_) {
      case minute_field:
        out_.minutes_ |= std::uint64_t{1} << v;
        break;
      case hour_field:
        out_.hours_ |= 1U << v;
        break;
      case day_field:
        out_.days_ |= 1U << v;
        break;
      case month_field:
        out_.months_ |= 1U << v;
        break;
      default:
        out_.weekdays_ |= 1U << v;
        break;
    }
  }

  static std::optional<int> read_number(std::string_view text) {
    int number = 0;
    const auto end = text.data() + text.size();
    if (text.empty() || text.front() == '-') return std::nullopt;
    const auto [stop, code] = std::from_chars(text.data(), end, number);
    // Nothing in a cron expression is that large; a cap keeps sums in range.
    if (code == std::errc::result_out_of_range && stop == end) return 1'000'000;
    if (code != std::errc() || stop != end) return std::nullopt;
    return std::min(number, 1'000'000);
  }

  /// A number of the field's range, or a name.
  std::optional<int> read_value(std::string_view text) {
    if (const auto number = read_number(text)) {
      if (*number >= current().lowest && *number <= current().highest) return number;
      fail(text, std::string(text.substr(0, 20)) + " is not within " + std::to_string(current().lowest) +
                     "-" + std::to_string(current().highest));
      return std::nullopt;
    }
    const auto names = current().names;
    for (std::size_t i = 0; i < names.size(); ++i)
      if (config::equal_but_for_case(text, names[i]) ||
          config::equal_but_for_case(text, names[i].substr(0, 3)))
        return current().lowest + static_cast<int>(i);
    if (text.empty())
      fail(text, "a value is missing");
    else
      fail(text, "\"" + std::string(text.substr(0, 20)) + "\" is not a value of this field");
    return std::nullopt;
  }

  /// True where no month of the expression reaches its days, and no weekday stands in for them.
  bool never() const {
    if (!out_.both_days_ || out_.days_before_last_ & 0x0FFFFFFF) return false;
    constexpr std::array<unsigned, 12> longest{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (unsigned m = 1; m <= 12; ++m) {
      if ((out_.months_ >> m & 1) == 0) continue;
      for (unsigned d = 1; d <= longest[m - 1]; ++d)
        if (out_.days_ >> d & 1 || out_.days_before_last_ >> (longest[m - 1] - d) & 1) return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t index_ = fields.size();  ///< of the field being read
  cron_expression out_;
  std::optional<error> problem_;
};

result<cron_expression> cron_expression::parse(std::string_view text) {
  return cron_parser(text).run();
}

}  // namespace catwalk
