#include "io/datagram_calls.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/sockets.h"

namespace weir {
namespace {

constexpr int kReceiveBuffer = 4 << 20;  // the kernel takes as much of it as net.core.rmem_max lets

union Name {
  sockaddr any;
  sockaddr_in four;
  sockaddr_in6 six;
};

// Room for one in_pktinfo or in6_pktinfo.
struct alignas(cmsghdr) Control {
  char bytes[CMSG_SPACE(sizeof(in6_pktinfo))];
};

using Names = std::array<Name, DatagramBatch::kCapacity>;
using Controls = std::array<Control, DatagramBatch::kCapacity>;
using Messages = std::array<mmsghdr, DatagramBatch::kCapacity>;
using Vectors = std::array<iovec, DatagramBatch::kCapacity>;

constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

IpAddress ip_of(const in_addr& from) {
  IpAddress ip;
  std::memcpy(ip.bytes.data() + 12, &from, 4);
  ip.v4 = true;
  return ip;
}

IpAddress ip_of(const in6_addr& from) {
  IpAddress ip;
  std::memcpy(ip.bytes.data(), &from, 16);
  if (std::memcmp(ip.bytes.data(), kMapped, sizeof kMapped) != 0) return ip;
  std::memset(ip.bytes.data(), 0, 12);
  ip.v4 = true;
  return ip;
}

in6_addr six_of(const IpAddress& ip) {
  in6_addr address;
  std::memcpy(&address, ip.bytes.data(), 16);
  if (ip.v4) std::memcpy(&address, kMapped, sizeof kMapped);
  return address;
}

Peer peer_of(const Name& name) {
  if (name.any.sa_family == AF_INET) {
    return Address(ip_of(name.four.sin_addr), ntohs(name.four.sin_port));
  }
  if (name.any.sa_family != AF_INET6) return {};
  return Address(ip_of(name.six.sin6_addr), ntohs(name.six.sin6_port));
}

socklen_t write_name(const Peer& peer, bool six, Name& out) {
  if (six) {
    out.six = {};
    out.six.sin6_family = AF_INET6;
    out.six.sin6_port = htons(peer.port());
    out.six.sin6_addr = six_of(peer.ip());
    return sizeof out.six;
  }
  out.four = {};
  out.four.sin_family = AF_INET;
  out.four.sin_port = htons(peer.port());
  std::memcpy(&out.four.sin_addr, peer.ip().bytes.data() + 12, 4);
  return sizeof out.four;
}

IpAddress read_local(msghdr& message) {
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level == IPPROTO_IP && each->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      return ip_of(info.ipi_addr);
    }
    if (each->cmsg_level == IPPROTO_IPV6 && each->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(each), sizeof info);
      return ip_of(info.ipi6_addr);
    }
  }
  return {};
}

template <class Info>
void put_control(msghdr& message, Control& control, int level, int type, const Info& info) {
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
}

void write_local(const IpAddress& local, bool six, msghdr& message, Control& control) {
  if (six) {
    in6_pktinfo info{};
    info.ipi6_addr = six_of(local);
    put_control(message, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
  } else {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, local.bytes.data() + 12, 4);
    put_control(message, control, IPPROTO_IP, IP_PKTINFO, info);
  }
}

std::unexpected<Error> failed(std::string_view call) {
  bool full = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
  return fail(full ? ErrorCode::queue_full : from_errno(errno), Origin::weir, call);
}

}  // namespace

KernelDatagrams::KernelDatagrams(int socket, bool connected)
    : socket_(socket), connected_(connected) {
  if (connected) return;
  Address bound = local_of(socket);
  int family = AF_INET;
  socklen_t length = sizeof family;
  ::getsockopt(socket, SOL_SOCKET, SO_DOMAIN, &family, &length);
  six_ = family == AF_INET6;
  any_ = bound.ip().bytes == IpAddress{}.bytes;
}

KernelDatagrams::~KernelDatagrams() {
  if (connected_) ::close(socket_);
}

// Fewer than were asked for say that the socket is empty now: no call is needed to learn it.
Result<std::size_t> KernelDatagrams::receive(DatagramBatch& into, std::size_t most) {
  std::span<Datagram> free = into.free();
  std::size_t asked = std::min(most, free.size());
  if (asked == 0) {
    left_ = true;
    return std::size_t{0};
  }
  Messages messages;
  Vectors vectors;
  Names names;
  Controls controls;
  for (std::size_t i = 0; i < asked; ++i) {
    vectors[i] = {free[i].data, DatagramBatch::kMostBytes};
    msghdr& header = messages[i].msg_hdr;
    header = {};
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
    if (connected_) continue;
    header.msg_name = &names[i];
    header.msg_namelen = sizeof(Name);
    if (!any_) continue;
    header.msg_control = controls[i].bytes;
    header.msg_controllen = sizeof controls[i].bytes;
  }
  int got;
  do {
    got = ::recvmmsg(socket_, messages.data(), static_cast<unsigned>(asked), MSG_DONTWAIT, nullptr);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    left_ = errno != EAGAIN && errno != EWOULDBLOCK;
    if (!left_) return std::size_t{0};
    return failed("recvmmsg");
  }
  auto count = static_cast<std::size_t>(got);
  left_ = count == asked;
  for (std::size_t i = 0; i < count; ++i) {
    free[i].size = messages[i].msg_len;
    if (connected_) continue;
    free[i].peer = peer_of(names[i]);
    free[i].local = any_ ? read_local(messages[i].msg_hdr) : IpAddress{};
  }
  into.take(count);
  return count;
}

Result<std::size_t> KernelDatagrams::send(std::span<const Datagram> datagrams) {
  datagrams = datagrams.first(std::min(datagrams.size(), DatagramBatch::kCapacity));
  if (connected_ && datagrams.size() == 1) {
    const Datagram& only = datagrams.front();
    if (::send(socket_, only.data, only.size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      return failed("send");
    }
    return std::size_t{1};
  }
  Messages messages;
  Vectors vectors;
  Names names;
  Controls controls;
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    const Datagram& each = datagrams[i];
    vectors[i] = {each.data, each.size};
    msghdr& header = messages[i].msg_hdr;
    header = {};
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
    if (connected_) continue;
    header.msg_name = &names[i];
    header.msg_namelen = write_name(each.peer, six_, names[i]);
    if (each.local != IpAddress{}) write_local(each.local, six_, header, controls[i]);
  }
  int sent = ::sendmmsg(socket_, messages.data(), static_cast<unsigned>(datagrams.size()),
                        MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return failed("sendmmsg");
  return static_cast<std::size_t>(sent);
}

Result<int> connect_datagram_socket(const Address& to) {
  Result<int> socket = open_socket(to, {.datagram = true});
  if (!socket) return socket;
  sockaddr_storage storage;
  socklen_t length = to.to_sockaddr(storage);
  if (::connect(*socket, reinterpret_cast<sockaddr*>(&storage), length) == 0) return socket;
  Error why(from_errno(errno), Origin::weir, "connect");
  ::close(*socket);
  return fail(why);
}

void prepare_datagram_socket(int socket, const Address& address) {
  int on = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  if (address.ip().bytes != IpAddress{}.bytes) return;
  if (address.family() == Address::Family::ipv6) {
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  } else {
    ::setsockopt(socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  }
}

}  // namespace weir
