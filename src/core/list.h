// An intrusive doubly linked list: members link themselves and leave in constant time.
#pragma once

namespace weir {

/// A member (or the head) of a circular list. Unlinks itself when destroyed.
class Link {
 public:
  Link() : next_(this), previous_(this) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link() { unlink(); }

  bool linked() const { return next_ != this; }
  Link* next() const { return next_; }

  void unlink() {
    next_->previous_ = previous_;
    previous_->next_ = next_;
    next_ = previous_ = this;
  }

  /// Puts `member` last in the list that this link heads.
  void append(Link& member) {
    member.unlink();
    member.previous_ = previous_;
    member.next_ = this;
    previous_->next_ = &member;
    previous_ = &member;
  }

  /// Moves every member of this list to the (empty) list `to`.
  void move_all(Link& to) {
    if (!linked()) return;
    to.next_ = next_;
    to.previous_ = previous_;
    next_->previous_ = &to;
    previous_->next_ = &to;
    next_ = previous_ = this;
  }

 private:
  Link* next_;
  Link* previous_;
};

}  // namespace weir
