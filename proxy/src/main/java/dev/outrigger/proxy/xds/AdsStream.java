package dev.outrigger.proxy.xds;

import com.google.rpc.Status;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One stream to a control plane, whatever the variant. Used on the config loop only. */
interface AdsStream {

  /**
   * Says what is wanted of a type now; what has been said before on this stream is not repeated.
   *
   * @param wildcard everything there is; then there are no names
   * @param names wanted by name
   * @param versions what is already here, by name; counts in the first request of a type
   * @param typeVersion the version last accepted of the whole type; empty if none
   */
  void ask(
      String typeUrl,
      boolean wildcard,
      Set<String> names,
      Map<String, String> versions,
      String typeVersion);

  /**
   * Accepts or refuses a response.
   *
   * @param error null accepts it
   */
  void answer(Received response, @Nullable Status error);

  /** Lets the next response come. */
  void readNext();

  /** Ends the stream; no event follows. */
  void close();

  /** What comes of a stream. Called on the config loop. */
  interface Events {
    void onReceived(Received response);

    /** The stream is over. */
    void onClosed(String reason);
  }

  /** Opens streams. */
  @FunctionalInterface
  interface Opener {
    AdsStream open(Events events) throws AdsStreams.TargetException;
  }
}
