namespace GemmaScope.Workbench;

/// <summary>Why a text ends.</summary>
public enum StopReason
{
    /// <summary>The model ended it.</summary>
    EndToken,

    /// <summary>It has as many tokens as were asked for.</summary>
    MaxTokens,

    /// <summary>The model's context is full.</summary>
    Context,

    /// <summary>It came to a text that was to end it, and which is left out.</summary>
    StopSequence,

    /// <summary>A monitor ended it: what it watches was above its threshold.</summary>
    Monitor,

    /// <summary>It was broken off.</summary>
    Interrupted,
}
