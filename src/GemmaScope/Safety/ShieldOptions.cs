using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Safety;

/// <summary>What is done with a text that does not fit into the model's context.</summary>
public enum ShieldTruncation
{
    /// <summary>It is an error that names the number of tokens.</summary>
    Refuse,

    /// <summary>The start of the text is judged, and the verdict says so.</summary>
    KeepStart,

    /// <summary>The end of the text is judged, and the verdict says so.</summary>
    KeepEnd,
}

/// <summary>How ShieldGemma, or a chat model in its place, is asked.</summary>
public sealed record ShieldOptions
{
    /// <summary>The form of the prompt; null: that of <see cref="ShieldTemplate.For"/>.</summary>
    public ShieldTemplate? Template { get; init; }

    /// <summary>
    /// Whether control tokens written out in the texts are plain text. Without it the prompt is the published one to the letter, in which
    /// a text with <c>&lt;end_of_turn&gt;</c> ends its own turn and can go on in another voice. A service should turn it on.
    /// </summary>
    public bool Hardened { get; init; }

    /// <summary>Whether they are plain text in a form: always in that of a chat, of which no published numbers are that would speak for
    /// markers.</summary>
    /// <param name="template">The form in which the model is asked.</param>
    public bool HardenedIn(ShieldTemplate template) => Hardened || template.IsOfChat;

    /// <summary>What is done with a text that is too long.</summary>
    public ShieldTruncation Truncation { get; init; }

    /// <summary>How the reasons after Yes or No are sampled; null for none, which is much quicker.</summary>
    public GenerationOptions? Rationale { get; init; }

    /// <summary>Exact or fast; null for the process's choice.</summary>
    public Arithmetic? Arithmetic { get; init; }
}
