// What of a document an expression looks at.
#include "scrape/jmespath.hpp"
#include "scrape/jmespath_syntax.hpp"

namespace catwalk::scrape {
namespace {

using jmespath_detail::node;
using jmespath_detail::node_kind;
using jmespath_detail::program;

/// Follows an expression over a value that may stand at `at`; returns where its result may stand. Where the
/// result is made rather than found (a list, an object, what a function gives), what it is made of is taken
/// whole, and it stands nowhere.
json_places follow(const program& p, const node& n, const json_places& at) {
  const auto child = [&](std::size_t index) -> const node& { return p.nodes[n.children[index]]; };
  switch (n.kind) {
    case node_kind::identity:
    case node_kind::index:
    case node_kind::slice:
      return at;
    case node_kind::field: {
      json_places members;
      for (json_reach* place : at) members.insert(&place->member(n.name));
      return members;
    }
    case node_kind::literal:
      return {};
    case node_kind::chain:
    case node_kind::projection:
      return follow(p, child(1), follow(p, child(0), at));
    case node_kind::filter_projection: {
      const json_places elements = follow(p, child(0), at);
      take_whole(follow(p, child(2), elements));
      return follow(p, child(1), elements);
    }
    case node_kind::object_projection: {
      const json_places objects = follow(p, child(0), at);
      take_whole(objects);  // any member may be meant
      return follow(p, child(1), objects);
    }
    case node_kind::flatten:
      return follow(p, child(0), at);
    default:
      for (std::size_t i = 0; i < n.children.size(); ++i) take_whole(follow(p, child(i), at));
      // A reference is applied to the elements of another argument, which that one takes whole.
      return {};
  }
}

}  // namespace

json_places jmespath::reach(const json_places& from) const {
  return follow(*program_, program_->nodes[program_->root], from);
}

}  // namespace catwalk::scrape
