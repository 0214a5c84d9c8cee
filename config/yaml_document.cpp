#include "config/yaml_document.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "config/text_encoding.hpp"

namespace catwalk::config {
namespace {

constexpr std::size_t max_bytes = 8'000'000;
constexpr std::size_t max_nodes = 200'000;
constexpr int max_height = 64;

/// Turns yaml-cpp's marks, which count bytes from 0, into places, which count characters from 1.
class locator {
 public:
  locator(std::string file, std::string_view text) : file_(std::move(file)), text_(text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') starts_.push_back(i + 1);
    }
  }

  place at(const YAML::Mark& mark) const {
    if (mark.line < 0 || mark.column < 0) return {file_, 0, 0};
    const auto line = std::min(static_cast<std::size_t>(mark.line), starts_.size() - 1);
    const std::string_view rest = text_.substr(std::min(starts_[line], text_.size()));
    const std::string_view before = rest.substr(0, static_cast<std::size_t>(mark.column));
    const auto characters =
        std::count_if(before.begin(), before.end(), [](char c) { return (c & 0xC0) != 0x80; });
    return {file_, mark.line + 1, static_cast<int>(characters) + 1};
  }

 private:
  std::string file_;
  std::string_view text_;
  std::vector<std::size_t> starts_{0};
};

class tree_builder : public YAML::EventHandler {
 public:
  tree_builder(const locator& where, problems& found) : where_(where), found_(found) {}

  yaml_ptr root() const { return root_; }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto node = make(mark, yaml_node::kind::null);
    keep(anchor, node);
    add(mark, std::move(node));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_tag(mark, tag);
    auto node = make(mark, yaml_node::kind::scalar);
    node->text = value;
    keep(anchor, node);
    add(mark, std::move(node), tag == "?");
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto target = anchors_.find(anchor);
    if (target == anchors_.end()) throw YAML::ParserException(mark, "an alias inside of what it refers to");
    add(mark, target->second);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open_.push_back({make(mark, yaml_node::kind::sequence), anchor, mark, std::nullopt});
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open_.push_back({make(mark, yaml_node::kind::mapping), anchor, mark, std::nullopt});
  }
  void OnMapEnd() override { close(); }

 private:
  struct key {
    std::string text;
    place where;
    bool usable;
  };
  struct frame {
    std::shared_ptr<yaml_node> node;
    YAML::anchor_t anchor;
    YAML::Mark mark;
    std::optional<key> pending;  ///< the key whose value comes next
  };

  std::shared_ptr<yaml_node> make(const YAML::Mark& mark, yaml_node::kind type) const {
    auto node = std::make_shared<yaml_node>();
    node->type = type;
    node->where = where_.at(mark);
    return node;
  }

  void keep(YAML::anchor_t anchor, const yaml_ptr& node) {
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
  }

  void close() {
    frame done = std::move(open_.back());
    open_.pop_back();
    keep(done.anchor, done.node);
    add(done.mark, std::move(done.node));
  }

  void add(const YAML::Mark& mark, yaml_ptr node, bool plain = false) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    yaml_node& parent = *open_.back().node;
    parent.weight += node->weight;
    parent.height = std::max(parent.height, node->height + 1);
    if (parent.weight > max_nodes)
      throw YAML::ParserException(mark, "more than 200000 values, aliases counted in full");
    if (parent.height > max_height) throw YAML::ParserException(mark, "more than 64 levels");
    if (parent.type == yaml_node::kind::sequence) {
      parent.items.push_back(std::move(node));
      return;
    }
    auto& pending = open_.back().pending;
    if (!pending) {
      pending = key{node->text, where_.at(mark), check_key(parent, *node, where_.at(mark), plain)};
      return;
    }
    if (pending->usable)
      parent.entries.push_back({std::move(pending->text), pending->where, std::move(node)});
    pending.reset();
  }

  bool check_key(const yaml_node& mapping, const yaml_node& node, const place& where, bool plain) {
    if (node.type != yaml_node::kind::scalar) return report(where, "a key that is no text", "");
    if (plain && node.text == "<<") {
      return report(where, "merge keys ('<<') are not supported",
                    "write the keys out, or use an alias as a value");
    }
    if (const auto* first = mapping.find(node.text)) {
      return report(where, "duplicate key '" + node.text + "'",
                    "its first value is in line " + std::to_string(first->where.line));
    }
    return true;
  }

  void check_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!" || tag.rfind("tag:yaml.org,2002:", 0) == 0) return;
    report(where_.at(mark), "the tag '" + tag + "' is not supported", "leave it out");
  }

  bool report(const place& where, std::string what, std::string hint) {
    found_.push_back({problem::level::error, where, std::move(what), std::move(hint)});
    return false;
  }

  const locator& where_;
  problems& found_;
  std::vector<frame> open_;
  std::map<YAML::anchor_t, yaml_ptr> anchors_;  ///< complete nodes only: an alias to an open one is recursive
  yaml_ptr root_;
};

}  // namespace

const yaml_node* yaml_node::find(std::string_view key) const noexcept {
  for (const auto& entry : entries) {
    if (entry.key == key) return entry.value.get();
  }
  return nullptr;
}

yaml_node scalar_node(std::string text, place where) {
  yaml_node node;
  node.type = yaml_node::kind::scalar;
  node.text = std::move(text);
  node.where = std::move(where);
  return node;
}

yaml_document parse_yaml(std::string_view raw, const std::string& file_name) {
  auto nothing = std::make_shared<yaml_node>();
  nothing->where = {file_name, 0, 0};
  yaml_document document{nothing, {}};
  const auto fail = [&](place where, std::string what, std::string hint) {
    document.root = nothing;
    document.found.push_back({problem::level::error, std::move(where), std::move(what), std::move(hint)});
  };
  if (raw.size() > max_bytes) {
    fail({file_name, 0, 0}, "larger than 8 MB", "is this the right file?");
    return document;
  }
  const decoded_text decoded = to_utf8(raw);
  if (!decoded.error.empty()) {
    fail({file_name, static_cast<int>(decoded.line), static_cast<int>(decoded.column)}, decoded.error,
         "save the file as UTF-8");
    return document;
  }
  const locator where(file_name, decoded.text);
  tree_builder builder(where, document.found);
  try {
    std::istringstream stream(decoded.text);
    YAML::Parser parser(stream);
    if (parser.HandleNextDocument(builder) && builder.root()) {
      document.root = builder.root();
      problems ignored;
      tree_builder second(where, ignored);
      if (parser.HandleNextDocument(second)) {
        fail(second.root() ? second.root()->where : place{file_name, 0, 0}, "a second document ('---')",
             "keep one document per file");
      }
    }
  } catch (const YAML::Exception& e) {
    const bool tab = e.msg.find("tab") != std::string::npos;
    fail(where.at(e.mark), "not valid YAML: " + e.msg, tab ? "indent with blanks" : "");
  } catch (const std::exception& e) {
    fail({file_name, 0, 0}, std::string("not valid YAML: ") + e.what(), "");
  }
  return document;
}

}  // namespace catwalk::config
