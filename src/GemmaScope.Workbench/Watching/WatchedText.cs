namespace GemmaScope.Workbench;

/// <summary>What a monitor read in a text.</summary>
/// <param name="Watches">What was watched; values come in this order.</param>
/// <param name="Messages">The parts of the text.</param>
/// <param name="Tokens">Each token that the model read, but for BOS.</param>
/// <param name="Stops">Why texts were ended, one after another; none where nothing was.</param>
public sealed record WatchedText(
    IReadOnlyList<WatchedSource> Watches,
    IReadOnlyList<WatchedMessage> Messages,
    IReadOnlyList<WatchedToken> Tokens,
    IReadOnlyList<WatchedStop> Stops
);

/// <summary>Something that was watched.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Site">Where it was read.</param>
/// <param name="Feature">The feature of a dictionary; null of a direction, of which the values are projections.</param>
/// <param name="StopAbove">Above which value it ends a text; null where it ends none.</param>
public sealed record WatchedSource(string Name, string Site, int? Feature, double? StopAbove);

/// <summary>A message, or the prompt or the text written behind it.</summary>
/// <param name="Role">Whose it is: system, user, assistant; prompt or written where there is no conversation.</param>
/// <param name="Start">The position of its first token.</param>
/// <param name="End">One past its last token.</param>
/// <param name="Values">What each watched value was in it; null where no token of it was read.</param>
public sealed record WatchedMessage(string Role, int Start, int End, IReadOnlyList<WatchedSummary?> Values);

/// <summary>A value over the tokens of a message.</summary>
/// <param name="Mean">Its mean.</param>
/// <param name="Max">Its largest.</param>
/// <param name="MaxPosition">The position of the token that has the largest.</param>
/// <param name="MaxToken">The token.</param>
public sealed record WatchedSummary(double Mean, double Max, int MaxPosition, string MaxToken);

/// <summary>A token with its values.</summary>
/// <param name="Position">Its position; BOS has 0.</param>
/// <param name="Id">Its id.</param>
/// <param name="Text">What it says.</param>
/// <param name="Role">Whose it is; template where it is no message's.</param>
/// <param name="Values">A value for each that is watched.</param>
public sealed record WatchedToken(int Position, int Id, string Text, string Role, IReadOnlyList<float> Values);

/// <summary>Why a text was ended.</summary>
/// <param name="Position">The position of the token at which that was.</param>
/// <param name="Name">What was above its threshold.</param>
/// <param name="Value">Its value there.</param>
/// <param name="Reason">The reason in a sentence.</param>
public sealed record WatchedStop(int Position, string Name, double Value, string Reason);
