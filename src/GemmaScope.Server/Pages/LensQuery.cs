using System.Globalization;
using GemmaScope.Lenses;
using GemmaScope.Workbench;

namespace GemmaScope.Server.Pages;

/// <summary>What an address of the lens's page asks for.</summary>
/// <param name="Text">The text, or null.</param>
/// <param name="Lens">Which lens, by its number among those of the server; null for the first.</param>
/// <param name="Chat">Whether the text is a message to a chat model.</param>
/// <param name="Cell">The cell that is open: layer and position with a dot between.</param>
/// <param name="Change">Anything where the stream is to be changed too.</param>
/// <param name="Mode">How it is changed.</param>
/// <param name="Token">The word.</param>
/// <param name="To">What a swap puts in its place.</param>
/// <param name="Strength">Strength; empty for the default.</param>
/// <param name="Layers">After which layers; empty for the middle one.</param>
internal sealed record LensQuery(
    string? Text = null,
    string? Lens = null,
    string? Chat = null,
    string? Cell = null,
    string? Change = null,
    string? Mode = null,
    string? Token = null,
    string? To = null,
    string? Strength = null,
    string? Layers = null
)
{
    /// <summary>UTF-16 units of a text: a page has a cell for each token and layer.</summary>
    public const int LongestText = 1000;

    /// <summary>Tokens that both texts are continued by.</summary>
    private const int NewTokens = 24;

    private const int Controls = 4;

    /// <summary>Whether the stream is to be changed.</summary>
    public bool Changes => !string.IsNullOrEmpty(Change);

    /// <summary>Whether the text is a message.</summary>
    public bool IsChat => !string.IsNullOrEmpty(Chat);

    /// <summary>The text as the model gets it.</summary>
    /// <exception cref="ArgumentProblemException">It is too long.</exception>
    public string Checked() =>
        Text!.Length <= LongestText
            ? Text.ReplaceLineEndings("\n")
            : throw new ArgumentProblemException($"has {Text.Length} characters, at most {LongestText} are read here", "text");

    /// <summary>The open cell, where it is one of the picture.</summary>
    public (int Layer, int Position)? Opened(LensShowResult result) =>
        (Cell ?? "").Split('.') is [var layer, var position]
        && int.TryParse(layer, NumberStyles.None, CultureInfo.InvariantCulture, out var l)
        && int.TryParse(position, NumberStyles.None, CultureInfo.InvariantCulture, out var p)
        && result.Layers.Contains(l)
        && p < result.Tokens.Count
            ? (l, p)
            : null;

    /// <summary>The change.</summary>
    /// <exception cref="ArgumentProblemException">A field cannot be read.</exception>
    public LensSteerJobOptions Steering() =>
        new()
        {
            Text = Checked(),
            Chat = IsChat,
            Mode = LensEdits.Kinds.TryGetValue(Mode ?? "steer", out var mode)
                ? mode
                : throw new ArgumentProblemException($"must be one of {string.Join(", ", LensEdits.Kinds.Keys)}", "mode"),
            Token = string.IsNullOrEmpty(Token) ? [] : [Token],
            To = string.IsNullOrEmpty(To) ? null : To,
            Strength =
                string.IsNullOrWhiteSpace(Strength) ? null
                : double.TryParse(Strength, NumberStyles.Float, CultureInfo.InvariantCulture, out var strength)
                && Math.Abs(strength) <= SteerRequest.LargestStrength
                    ? strength
                : throw new ArgumentProblemException(
                    $"must be a number from {-SteerRequest.LargestStrength} to {SteerRequest.LargestStrength}",
                    "strength"
                ),
            Layers = string.IsNullOrWhiteSpace(Layers) ? null : Layers,
            Controls = Controls,
            Sampling = new LensSteerJobOptions { Text = "" }.Sampling with { MaxNewTokens = NewTokens },
        };
}
