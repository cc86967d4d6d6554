namespace GemmaScope.Behaviour;

/// <summary>Why a monitor ended a text.</summary>
/// <param name="Text">Which text of a batch, from 0.</param>
/// <param name="Watch">What was above its threshold.</param>
/// <param name="Position">The position of the token where that was so, and in a row as often as was asked.</param>
/// <param name="Token">The token.</param>
/// <param name="Value">Its value.</param>
public sealed record MonitorStop(int Text, Watch Watch, int Position, int Token, float Value)
{
    /// <summary>The reason in a sentence.</summary>
    public string Reason =>
        FormattableString.Invariant($"{Watch.Name} at {Watch.Site} is {Value:0.###} at position {Position}, above {Watch.StopAbove:0.###}")
        + (Watch.Streak > 1 ? FormattableString.Invariant($" for {Watch.Streak} tokens in a row") : "");
}
