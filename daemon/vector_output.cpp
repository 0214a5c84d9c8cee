#include "daemon/vector_output.hpp"

#include <charconv>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "core/json_text.hpp"

namespace catwalk::daemon {
namespace {

error cannot_write(const std::string& file) {
  return {errc::io, "cannot write vectors", file, "the file cannot be opened or the disk is full", ""};
}

void append_numbers(std::string& line, const std::vector<float>& values) {
  char digits[32];
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) line += ',';
    // The shortest text that reads back as the same float.
    const auto [end, ec] = std::to_chars(digits, digits + sizeof digits, values[i]);
    line.append(digits, ec == std::errc() ? end : digits);
  }
}

class json_lines final : public vector_output {
 public:
  explicit json_lines(std::string file) : file_(std::move(file)) {
    if (!file_.empty()) stream_.open(file_, std::ios::binary | std::ios::trunc);
  }
  bool ready() const { return file_.empty() || stream_.is_open(); }

  result<void> write(const std::string& input, const result<embedding>& answer) override {
    std::string line = "{\"input\":" + json_text(input);
    if (answer) {
      line += ",\"embedding\":[";
      append_numbers(line, answer->values);
      line +=
          "],\"model\":" + json_text(answer->model) + ",\"fingerprint\":" + json_text(answer->fingerprint);
      if (answer->made.untrained) line += ",\"untrained\":true";
    } else {
      line += ",\"error\":{\"code\":" + json_text(std::string(name_of(answer.error().code))) +
              ",\"message\":" + json_text(answer.error().to_string()) + "}";
    }
    line += "}\n";
    auto& out = file_.empty() ? std::cout : static_cast<std::ostream&>(stream_);
    if (!(out << line)) return cannot_write(file_.empty() ? "stdout" : file_);
    return {};
  }

  result<void> finish() override {
    auto& out = file_.empty() ? std::cout : static_cast<std::ostream&>(stream_);
    if (!out.flush()) return cannot_write(file_.empty() ? "stdout" : file_);
    return {};
  }

 private:
  std::string file_;
  std::ofstream stream_;
};

class npy_matrix final : public vector_output {
 public:
  explicit npy_matrix(std::string file)
      : file_(std::move(file)), stream_(file_, std::ios::binary | std::ios::trunc) {}
  bool ready() const { return stream_.is_open(); }

  result<void> write(const std::string& input, const result<embedding>& answer) override {
    if (answer) {
      if (width_ == 0) start(answer->values.size());
      put(answer->values);
    } else {
      std::cerr << "catwalk: " << answer.error().to_string() << '\n';
      if (width_ == 0)
        ++leading_failures_;
      else
        put(std::vector<float>(width_, std::numeric_limits<float>::quiet_NaN()));
    }
    if (!stream_) return cannot_write(file_ + " at " + input);
    return {};
  }

  result<void> finish() override {
    if (width_ == 0) start(0);
    // The number of rows is known only now: the header has room for it.
    stream_.seekp(0);
    write_header();
    if (!stream_.flush()) return cannot_write(file_);
    return {};
  }

 private:
  static constexpr std::size_t header_size = 128;

  void start(std::size_t width) {
    width_ = width;
    write_header();
    for (std::size_t i = 0; i < leading_failures_; ++i)
      put(std::vector<float>(width_, std::numeric_limits<float>::quiet_NaN()));
  }

  void write_header() {
    std::string dict = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows_) + ", " +
                       std::to_string(width_) + "), }";
    dict.resize(header_size - 10 - 1, ' ');
    dict += '\n';
    const auto length = static_cast<unsigned>(dict.size());
    stream_.write("\x93NUMPY\x01\x00", 8);
    stream_.put(static_cast<char>(length & 0xff));
    stream_.put(static_cast<char>(length >> 8));
    stream_ << dict;
  }

  void put(const std::vector<float>& row) {
    static_assert(std::numeric_limits<float>::is_iec559);
    stream_.write(reinterpret_cast<const char*>(row.data()),
                  static_cast<std::streamsize>(row.size() * sizeof(float)));
    ++rows_;
  }

  std::string file_;
  std::ofstream stream_;
  std::size_t width_ = 0, rows_ = 0, leading_failures_ = 0;
};

}  // namespace

result<std::unique_ptr<vector_output>> make_vector_output(const std::string& format,
                                                          const std::string& file) {
  if (format == "npy") {
    if (file.empty())
      return error{errc::invalid_argument, "npy needs a file", "", "", "name one with --output vectors.npy"};
    auto out = std::make_unique<npy_matrix>(file);
    if (!out->ready()) return cannot_write(file);
    return std::unique_ptr<vector_output>(std::move(out));
  }
  auto out = std::make_unique<json_lines>(file);
  if (!out->ready()) return cannot_write(file);
  return std::unique_ptr<vector_output>(std::move(out));
}

}  // namespace catwalk::daemon
