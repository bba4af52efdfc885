package dev.outrigger.proxy.config;

import java.util.List;

/** How a line of an access log looks. */
public sealed interface LogFormat {

  /** Our own JSON object. */
  record Standard() implements LogFormat {}

  /**
   * Text with values in it.
   *
   * @param omitEmpty whether a value that there is not leaves nothing rather than {@code -}
   */
  record Text(List<Piece> pieces, boolean omitEmpty) implements LogFormat {
    public Text {
      pieces = List.copyOf(pieces);
    }
  }

  /**
   * A JSON object.
   *
   * @param omitEmpty whether a member whose value there is not is left out rather than null
   */
  record Json(Node.Members root, boolean omitEmpty) implements LogFormat {}

  /** A part of a text. */
  sealed interface Piece {

    /** As it stands. */
    record Literal(String text) implements Piece {}

    /**
     * What an operator gives.
     *
     * @param argument of the operator, or empty; header names are in lower case
     * @param otherwise the header that is asked where the first is not there, or empty
     * @param maxLength longer text is cut; 0 is no bound
     */
    record Value(LogOperator operator, String argument, String otherwise, int maxLength)
        implements Piece {}
  }

  /** A part of a JSON object. */
  sealed interface Node {

    /** An object. */
    record Members(List<Member> members) implements Node {
      public Members {
        members = List.copyOf(members);
      }
    }

    /** A list. */
    record Items(List<Node> items) implements Node {
      public Items {
        items = List.copyOf(items);
      }
    }

    /** A string; a single operator keeps its own type, so that a number is a number. */
    record Words(List<Piece> pieces) implements Node {
      public Words {
        pieces = List.copyOf(pieces);
      }
    }

    /** A number, true, false or null, as JSON writes it. */
    record Constant(String json) implements Node {}
  }

  /** A name and what stands there. */
  record Member(String name, Node value) {}
}
