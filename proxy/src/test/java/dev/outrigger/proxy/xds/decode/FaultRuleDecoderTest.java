package dev.outrigger.proxy.xds.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Timestamp;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.api.chaos.v1.Match;
import dev.outrigger.api.chaos.v1.Place;
import dev.outrigger.api.chaos.v1.Reset;
import dev.outrigger.proxy.extension.InvalidResourceException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FaultRuleDecoderTest {
  private static FaultRule rule(int services) {
    return FaultRule.newBuilder()
        .setExperiment("e")
        .setFault("f")
        .setPlace(Place.REQUEST)
        .setReset(Reset.getDefaultInstance())
        .setNotAfter(Timestamp.newBuilder().setSeconds(4_000_000_000L))
        .setMatch(
            Match.newBuilder()
                .addAllDestinationServices(
                    IntStream.range(0, services).mapToObj(i -> "s" + i + ".shop").toList())
                .addSparedServices("pay.shop"))
        .build();
  }

  /** So many are named in a large mesh in which one is protected. */
  @Test
  void allServicesOfALargeMeshMayBeNamed() throws InvalidResourceException {
    var match = FaultRuleDecoder.decode("e/f", rule(16_384)).match();

    assertThat(match.destinationServices()).hasSize(16_384);
    assertThat(match.sparedServices()).containsExactly("pay.shop");
    assertThatThrownBy(() -> FaultRuleDecoder.decode("e/f", rule(16_385)))
        .isInstanceOf(InvalidResourceException.class)
        .hasMessageContaining("destination_services")
        .hasMessageContaining("at most 16384");
  }
}
