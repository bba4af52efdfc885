package dev.outrigger.cli;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The nftables rules of transparent capture, as text. Each rule is written as {@code nft} lists it,
 * one port or network to a line, so that what is installed can be compared with what is wanted.
 *
 * @param proxyUid whose traffic is never captured, since it is the proxy's own
 * @param outboundPort where what the application sends is redirected to
 * @param inboundPort where what the application receives is redirected to
 * @param excludedOutboundPorts destination ports that stay as they are
 * @param excludedInboundPorts local ports that stay as they are
 * @param excludedOutboundNetworks destinations that stay as they are
 * @param excludedInboundNetworks sources that stay as they are
 */
record CaptureRules(
    long proxyUid,
    int outboundPort,
    int inboundPort,
    SortedSet<Ports> excludedOutboundPorts,
    SortedSet<Ports> excludedInboundPorts,
    List<Network> excludedOutboundNetworks,
    List<Network> excludedInboundNetworks) {
  static final String TABLE = "inet outrigger";

  /** Admin, merged metrics and health: for whoever watches, past the proxy's listeners. */
  private static final List<Integer> OWN_PORTS = List.of(15000, 15020, 15021);

  CaptureRules {
    excludedOutboundPorts = new TreeSet<>(excludedOutboundPorts);
    excludedInboundPorts = new TreeSet<>(excludedInboundPorts);
    excludedOutboundNetworks = List.copyOf(excludedOutboundNetworks);
    excludedInboundNetworks = List.copyOf(excludedInboundNetworks);
  }

  /** A port, or all from one to another. */
  record Ports(int first, int last) implements Comparable<Ports> {

    /**
     * Reads {@code 8080} or {@code 8000-8010}.
     *
     * @throws IllegalArgumentException with one line for the user
     */
    static Ports parse(String text) {
      String[] ends = text.split("-", -1);
      if (ends.length <= 2 && isPort(ends[0]) && isPort(ends[ends.length - 1])) {
        Ports ports = new Ports(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]));
        if (ports.first <= ports.last) {
          return ports;
        }
      }
      throw new IllegalArgumentException(
          "'" + text + "': expected a port from 1 to 65535, or a range such as 8000-8010");
    }

    private static boolean isPort(String text) {
      return text.matches("[0-9]{1,5}")
          && Integer.parseInt(text) >= 1
          && Integer.parseInt(text) <= 65535;
    }

    @Override
    public int compareTo(Ports other) {
      return first == other.first
          ? Integer.compare(last, other.last)
          : Integer.compare(first, other.first);
    }

    /** As {@code nft} writes it. */
    @Override
    public String toString() {
      return first == last ? Integer.toString(first) : first + "-" + last;
    }
  }

  /** An address with the length of its prefix, the bits behind it being zero. */
  record Network(String text, boolean isIpv6) {

    /**
     * @throws IllegalArgumentException with one line for the user
     */
    static Network parse(String text) {
      int slash = text.indexOf('/');
      String address = slash < 0 ? text : text.substring(0, slash);
      // Only digits, so that no name is ever looked up.
      if (!address.matches("[0-9]{1,3}([.][0-9]{1,3}){3}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
        throw new IllegalArgumentException(expected(text));
      }
      byte[] bytes;
      try {
        bytes = InetAddress.getByName(address).getAddress();
      } catch (UnknownHostException e) {
        throw new IllegalArgumentException(expected(text), e);
      }
      boolean six = address.indexOf(':') >= 0;
      int bits = six ? 128 : 32;
      String length = slash < 0 ? Integer.toString(bits) : text.substring(slash + 1);
      if (bytes.length * 8 != bits
          || !length.matches("[0-9]{1,3}")
          || Integer.parseInt(length) > bits) {
        throw new IllegalArgumentException(expected(text));
      }
      int prefix = Integer.parseInt(length);
      BigInteger mask = BigInteger.ONE.shiftLeft(bits - prefix).subtract(BigInteger.ONE).not();
      byte[] masked = new BigInteger(1, bytes).and(mask).toByteArray();
      byte[] exact = new byte[bits / 8];
      int kept = Math.min(masked.length, exact.length);
      System.arraycopy(masked, masked.length - kept, exact, exact.length - kept, kept);
      String canonical = six ? compressed(exact) : dotted(exact);
      return new Network(prefix == bits ? canonical : canonical + "/" + prefix, six);
    }

    private static String expected(String text) {
      return "'" + text + "': expected a network such as 10.0.0.0/8 or fd00::/8";
    }

    private static String dotted(byte[] bytes) {
      return "%d.%d.%d.%d"
          .formatted(bytes[0] & 0xff, bytes[1] & 0xff, bytes[2] & 0xff, bytes[3] & 0xff);
    }

    /** RFC 5952: the first longest run of two or more zero groups becomes two colons. */
    private static String compressed(byte[] bytes) {
      int[] groups = new int[8];
      for (int i = 0; i < 8; i++) {
        groups[i] = ((bytes[2 * i] & 0xff) << 8) | (bytes[2 * i + 1] & 0xff);
      }
      int start = -1;
      int length = 1;
      for (int i = 0; i < 8; i++) {
        int end = i;
        while (end < 8 && groups[end] == 0) {
          end++;
        }
        if (end - i > length) {
          start = i;
          length = end - i;
        }
      }
      if (start < 0) {
        return hex(groups, 0, 8);
      }
      return hex(groups, 0, start) + "::" + hex(groups, start + length, 8);
    }

    private static String hex(int[] groups, int from, int to) {
      return String.join(
          ":", Arrays.stream(groups, from, to).mapToObj(Integer::toHexString).toList());
    }

    private String family() {
      return isIpv6 ? "ip6" : "ip";
    }
  }

  /** The rules of each chain; the first line of a chain says where it hooks in. */
  SequencedMap<String, List<String>> chains() {
    SequencedMap<String, List<String>> chains = new LinkedHashMap<>();
    chains.put("outbound", outbound());
    chains.put("inbound", inbound());
    return chains;
  }

  private List<String> outbound() {
    List<String> rules = new ArrayList<>();
    rules.add("type nat hook output priority -100; policy accept;");
    rules.add("meta l4proto != 6 return");
    rules.add("meta skuid " + proxyUid + " return");
    // The application with itself: nobody is protected by going through two proxies.
    rules.add("oifname \"lo\" return");
    OWN_PORTS.forEach(port -> rules.add("tcp dport " + port + " return"));
    excludedOutboundPorts.forEach(port -> rules.add("tcp dport " + port + " return"));
    excludedOutboundNetworks.forEach(
        network -> rules.add(network.family() + " daddr " + network.text() + " return"));
    rules.add("meta l4proto 6 redirect to :" + outboundPort);
    return rules;
  }

  private List<String> inbound() {
    List<String> rules = new ArrayList<>();
    rules.add("type nat hook prerouting priority -100; policy accept;");
    rules.add("meta l4proto != 6 return");
    rules.add("iifname \"lo\" return");
    // What is only forwarded belongs to others.
    rules.add("fib daddr type != 2 return");
    OWN_PORTS.forEach(port -> rules.add("tcp dport " + port + " return"));
    excludedInboundPorts.forEach(port -> rules.add("tcp dport " + port + " return"));
    excludedInboundNetworks.forEach(
        network -> rules.add(network.family() + " saddr " + network.text() + " return"));
    rules.add("meta l4proto 6 redirect to :" + inboundPort);
    return rules;
  }

  /** A script for {@code nft -f} that replaces whatever was there, in one transaction. */
  String script() {
    StringBuilder text = new StringBuilder(removal());
    text.append("table ").append(TABLE).append(" {\n");
    chains()
        .forEach(
            (name, rules) -> {
              text.append("\tchain ").append(name).append(" {\n");
              rules.forEach(rule -> text.append("\t\t").append(rule).append('\n'));
              text.append("\t}\n");
            });
    return text.append("}\n").toString();
  }

  /** A script that removes the table, and is content if there is none. */
  static String removal() {
    return "table " + TABLE + "\ndelete table " + TABLE + "\n";
  }

  /** What differs from a listing by {@code nft -n -s}; empty if nothing does. */
  List<String> differences(String listing) {
    SequencedMap<String, List<String>> installed = parse(listing);
    List<String> differences = new ArrayList<>();
    chains()
        .forEach(
            (name, wanted) -> {
              List<String> found = installed.getOrDefault(name, List.of());
              if (found.isEmpty()) {
                differences.add("chain " + name + " is missing");
                return;
              }
              wanted.stream()
                  .filter(rule -> !found.contains(rule))
                  .forEach(rule -> differences.add("chain " + name + ": missing: " + rule));
              found.stream()
                  .filter(rule -> !wanted.contains(rule))
                  .forEach(rule -> differences.add("chain " + name + ": not ours: " + rule));
              if (differences.isEmpty() && !found.equals(wanted)) {
                differences.add("chain " + name + ": the rules are in another order");
              }
            });
    installed.keySet().stream()
        .filter(name -> !chains().containsKey(name))
        .forEach(name -> differences.add("chain " + name + " is not ours"));
    return differences;
  }

  private static SequencedMap<String, List<String>> parse(String listing) {
    SequencedMap<String, List<String>> chains = new LinkedHashMap<>();
    List<String> rules = new ArrayList<>();
    for (String line : listing.lines().map(String::strip).toList()) {
      if (line.startsWith("chain ") && line.endsWith("{")) {
        rules = new ArrayList<>();
        chains.put(line.substring("chain ".length(), line.length() - 1).strip(), rules);
      } else if (!line.isEmpty() && !line.equals("}") && !line.startsWith("table ")) {
        rules.add(line.replace("priority dstnat;", "priority -100;"));
      }
    }
    return chains;
  }
}
