using System.Runtime.InteropServices;

namespace GemmaScope.Behaviour;

/// <summary>Keeps what a monitor reads; <see cref="Add"/> is its callback.</summary>
/// <param name="watches">How many values a token has.</param>
public sealed class MonitorTrace(int watches)
{
    private readonly List<(int Text, int Position, int Token, bool IsWritten)> _tokens = [];
    private readonly List<float> _values = [];

    /// <summary>How many tokens were read.</summary>
    public int Count => _tokens.Count;

    /// <summary>A token, in the order of reading: its text, its position there, its id, and whether the model wrote it.</summary>
    public (int Text, int Position, int Token, bool IsWritten) this[int index] => _tokens[index];

    /// <summary>The values of a token.</summary>
    public ReadOnlySpan<float> Values(int index) => CollectionsMarshal.AsSpan(_values).Slice(index * watches, watches);

    /// <summary>Keeps a token.</summary>
    public void Add(MonitorReading reading)
    {
        _tokens.Add((reading.Text, reading.Position, reading.Token, reading.IsWritten));
        _values.AddRange(reading.Values);
    }

    /// <summary>Forgets all.</summary>
    public void Clear()
    {
        _tokens.Clear();
        _values.Clear();
    }
}
