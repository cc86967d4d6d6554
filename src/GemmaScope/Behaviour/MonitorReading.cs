namespace GemmaScope.Behaviour;

/// <summary>What a monitor reads at a token; it is valid within the call that hands it over.</summary>
public readonly ref struct MonitorReading
{
    internal MonitorReading(int text, int position, int token, bool isWritten, ReadOnlySpan<float> values)
    {
        (Text, Position, Token, IsWritten) = (text, position, token, isWritten);
        Values = values;
    }

    /// <summary>Which text of a batch, from 0.</summary>
    public int Text { get; }

    /// <summary>Its position in the text; BOS has 0.</summary>
    public int Position { get; }

    /// <summary>The token.</summary>
    public int Token { get; }

    /// <summary>Whether the model wrote it in this generation; else it is of the prompt.</summary>
    public bool IsWritten { get; }

    /// <summary>A value for each that is watched, in their order.</summary>
    public ReadOnlySpan<float> Values { get; }
}

/// <summary>Is told what a monitor reads at a token.</summary>
/// <param name="reading">The values; keep a copy of what is needed later.</param>
public delegate void MonitorCallback(MonitorReading reading);
