#include "config/brief.h"

#include "config/effective.h"

namespace weir::config {
namespace {

// Beside a value goes the one that it has when nothing is said: a member's own initialiser may
// differ from what its type has elsewhere. Null: that of the type.
class Brief {
 public:
  explicit Brief(Secrets secrets) : secrets_(secrets) {}

  Json write(const Type& type, const Rules& rules, const void* value, const void* unsaid) const;

 private:
  Json object(const ObjectType& object, const void* value, const void* unsaid) const;
  Json module(const Module& module) const;
  Json entries(const Type& type, const Rules& rules, const void* value) const;

  Secrets secrets_;
};

Json Brief::write(const Type& type, const Rules& rules, const void* value,
                  const void* unsaid) const {
  const auto inner = [&](const void* of) -> const void* {
    return of != nullptr ? type.access->at(of, 0) : nullptr;
  };
  switch (type.kind) {
    case Kind::scalar: return effective(type, rules, value, secrets_);
    case Kind::object: return object(*type.object, value, unsaid);
    case Kind::module: return module(*static_cast<const Module*>(value));
    case Kind::located: return write(type.inner(), rules, inner(value), inner(unsaid));
    case Kind::optional:
      if (type.access->size(value) == 0) return effective(type, rules, value, secrets_);
      return write(type.inner(), rules, inner(value), nullptr);
    case Kind::list:
    case Kind::map: break;
  }
  return entries(type, rules, value);
}

Json Brief::entries(const Type& type, const Rules& rules, const void* value) const {
  const bool list = type.kind == Kind::list;
  Json result = list ? Json::array() : Json::object();
  for (std::size_t i = 0; i < type.access->size(value); ++i) {
    Json entry = write(type.inner(), rules, type.access->at(value, i), nullptr);
    if (list) {
      result.push_back(std::move(entry));
    } else {
      // Not operator[]: keys are known to be unique, and looking for them is linear.
      result.get_ref<Json::object_t&>().push_back(
          {std::string(type.access->name(value, i)), std::move(entry)});
    }
  }
  return result;
}

Json Brief::module(const Module& module) const {
  Json result = Json::object();
  if (!module) return result;
  result[std::string(module.type->name)] =
      object(*module.type->type().object, module.value.get(), nullptr);
  return result;
}

Json Brief::object(const ObjectType& object, const void* value, const void* unsaid) const {
  std::shared_ptr<void> made;
  if (unsaid == nullptr) {
    made = object.make();
    unsaid = made.get();
  }
  Json result = Json::object();
  for (const Field& field : object.fields) {
    const void* common = field.address_in(unsaid);
    Json entry = write(field.type(), field.rules, field.address_in(value), common);
    if (entry.is_discarded()) continue;
    if (!field.rules.required && entry == write(field.type(), field.rules, common, common)) {
      continue;
    }
    if (field.rules.chosen_by_key) {
      for (auto& [name, options] : entry.items()) result[name] = std::move(options);
    } else {
      result[std::string(field.name)] = std::move(entry);
    }
  }
  return result;
}

}  // namespace

std::string brief_json(const Type& type, const void* value, Secrets secrets) {
  return Brief(secrets)
      .write(type, Rules{}, value, nullptr)
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weir::config
