// Reads YAML into a compact tree of nodes that know their positions. Strict: what YAML leaves open
// or what tends to surprise people (duplicate keys, merge keys, tags, several documents) is
// refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"
#include "config/position.h"

namespace weir::config {

struct YamlLimits {
  std::size_t bytes = 16u << 20;        // of the document
  std::size_t depth = 64;               // of lists and maps within each other, aliases expanded
  std::size_t nodes = 2'000'000;        // keys and values
  std::size_t alias_nodes = 200'000;    // keys and values that aliases stand for, in all
  std::size_t alias_bytes = 16u << 20;  // bytes of text that aliases stand for, in all
};

class Tree;

// A handle to a node of a Tree, valid as long as the tree. Aliases are already followed.
class Node {
 public:
  enum class Kind : std::uint8_t {
    scalar,
    list,
    map,
    broken,  // already reported; readers skip it in silence
  };

  Kind kind() const;
  bool is_scalar() const { return kind() == Kind::scalar; }
  bool is_list() const { return kind() == Kind::list; }
  bool is_map() const { return kind() == Kind::map; }
  // A scalar without quotes and not in a block (`|`, `>`).
  bool plain() const;
  // Plain and empty, `~` or `null`.
  bool null() const;
  // The file ended, or could not be read further, within this list or map.
  bool truncated() const;
  std::string_view text() const;
  Position position() const;
  // Of a list: its entries. Of a map: its pairs.
  std::size_t size() const;

  // Children are a linked list: in a map key and value alternate, and every key is a scalar or
  // broken.
  bool has_child() const;
  Node first_child() const;
  bool has_next() const;
  Node next() const;

 private:
  friend class Tree;
  Node(const Tree* tree, std::uint32_t index) : tree_(tree), index_(index) {}

  const Tree* tree_;
  std::uint32_t index_;  // of the node as it stands in its parent, which may be an alias
};

class Tree {
 public:
  // Reads a document. Every problem goes to diagnostics under the number of the file. After a
  // syntax error the tree holds what stands before it, with the open lists and maps marked
  // truncated.
  static Tree read(std::string_view text, std::uint32_t file, Diagnostics& diagnostics,
                   const YamlLimits& limits = {});

  bool empty() const { return nodes_.empty(); }
  Node root() const { return Node(this, 0); }
  // Nothing is missing: references between parts of the document can be judged.
  bool complete() const { return complete_; }

 private:
  friend class Node;
  friend class YamlReader;

  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  struct Record {
    Node::Kind kind = Node::Kind::scalar;
    bool plain = false;
    bool truncated = false;
    bool alias = false;
    Position position;
    std::uint32_t text_begin = 0;  // in texts_; of an alias: the index of its target
    std::uint32_t text_length = 0;
    std::uint32_t first_child = kNone;
    std::uint32_t next = kNone;
    std::uint32_t children = 0;
  };

  const Record& record(std::uint32_t index) const;

  std::vector<Record> nodes_;
  std::string texts_;
  bool complete_ = true;
};

}  // namespace weir::config
