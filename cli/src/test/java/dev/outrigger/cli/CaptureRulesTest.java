package dev.outrigger.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.cli.CaptureRules.Network;
import dev.outrigger.cli.CaptureRules.Ports;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CaptureRulesTest {
  private static final String GOLDEN =
      """
      table inet outrigger
      delete table inet outrigger
      table inet outrigger {
      	chain outbound {
      		type nat hook output priority -100; policy accept;
      		meta l4proto != 6 return
      		meta skuid 1337 return
      		oifname "lo" return
      		tcp dport 15000 return
      		tcp dport 15020 return
      		tcp dport 15021 return
      		tcp dport 22 return
      		tcp dport 443 return
      		ip daddr 10.0.0.0/8 return
      		ip6 daddr fd00::/8 return
      		meta l4proto 6 redirect to :15001
      	}
      	chain inbound {
      		type nat hook prerouting priority -100; policy accept;
      		meta l4proto != 6 return
      		iifname "lo" return
      		fib daddr type != 2 return
      		tcp dport 15000 return
      		tcp dport 15020 return
      		tcp dport 15021 return
      		tcp dport 9090 return
      		ip saddr 192.168.1.7 return
      		meta l4proto 6 redirect to :15006
      	}
      }
      """;

  @Test
  void theScriptReplacesTheTableInOneTransaction() {
    assertThat(rules().script()).isEqualTo(GOLDEN);
  }

  @Test
  void printShowsTheScript() {
    Captured said =
        Captured.run(
            "init",
            "--print",
            "--exclude-outbound-ports",
            "443,22",
            "--exclude-inbound-ports=9090",
            "--exclude-outbound-cidrs=10.1.2.3/8,fd00:1::/8",
            "--exclude-inbound-cidrs=192.168.1.7");

    assertThat(said).isEqualTo(new Captured(0, GOLDEN, ""));
  }

  @Test
  void whatIsInstalledAsWantedDiffersInNothing() {
    assertThat(rules().differences(listing())).isEmpty();
    assertThat(rules().differences(listing().replace("priority -100", "priority dstnat")))
        .isEmpty();
  }

  @Test
  void whatDiffersIsNamed() {
    assertThat(rules().differences(listing().replace("skuid 1337", "skuid 0")))
        .containsExactly(
            "chain outbound: missing: meta skuid 1337 return",
            "chain outbound: not ours: meta skuid 0 return");
    assertThat(rules().differences("table inet outrigger {\n}\n"))
        .containsExactly("chain outbound is missing", "chain inbound is missing");
  }

  @Test
  void theOrderOfRulesMatters() {
    String swapped =
        listing()
            .replace("meta skuid 1337 return", "meta swapped")
            .replace("oifname \"lo\" return", "meta skuid 1337 return")
            .replace("meta swapped", "oifname \"lo\" return");

    assertThat(rules().differences(swapped))
        .containsExactly("chain outbound: the rules are in another order");
  }

  @ParameterizedTest
  @CsvSource({
    "10.1.2.3/8, 10.0.0.0/8",
    "0.0.0.0/0, 0.0.0.0/0",
    "192.168.1.7/32, 192.168.1.7",
    "FD00:0:0:1::5/64, fd00:0:0:1::/64",
    "::1, ::1",
    "2001:db8:0:0:1:0:0:1, 2001:db8::1:0:0:1"
  })
  void networksAreWrittenAsTheKernelListsThem(String given, String canonical) {
    assertThat(Network.parse(given).text()).isEqualTo(canonical);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "example.com", "10.0.0.0/33", "10.0.0.0/", "fd00::/129", "1.2.3"})
  void whatIsNoNetworkIsRefused(String text) {
    assertThatThrownBy(() -> Network.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a network");
  }

  @Test
  void aBadPortIsWrongUsage() {
    Captured said = Captured.run("init", "--print", "--exclude-inbound-ports", "70000");

    assertThat(said.exit()).isEqualTo(2);
    assertThat(said.err()).contains("--exclude-inbound-ports '70000': expected a port");
  }

  @Test
  void aRangeOfPortsIsOneRule() {
    Captured said = Captured.run("init", "--print", "--exclude-outbound-ports", "8000-8010,22");

    assertThat(said.out()).contains("tcp dport 22 return\n\t\ttcp dport 8000-8010 return\n");
    assertThat(Captured.run("init", "--print", "--exclude-outbound-ports", "10-8").exit())
        .isEqualTo(2);
  }

  private static CaptureRules rules() {
    return new CaptureRules(
        1337,
        15001,
        15006,
        new TreeSet<>(Set.of(Ports.parse("443"), Ports.parse("22"))),
        new TreeSet<>(Set.of(Ports.parse("9090"))),
        List.of(Network.parse("10.0.0.0/8"), Network.parse("fd00::/8")),
        List.of(Network.parse("192.168.1.7")));
  }

  private static String listing() {
    return GOLDEN.substring(CaptureRules.removal().length()).replace("\tchain i", "\n\tchain i");
  }
}
