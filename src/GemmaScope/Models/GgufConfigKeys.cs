using GemmaScope.Files;

namespace GemmaScope.Models;

/// <summary>The keys of a GGUF file that begin with the name of its architecture, as sizes and numbers that make sense.</summary>
internal sealed class GgufConfigKeys(GgufMetadata keys, string architecture)
{
    /// <summary>A size that must be there.</summary>
    public int Size(string name) => OptionalSize(name) ?? throw Missing(name);

    /// <summary>A size above 0, or null where the key is absent. The upper bound keeps the product of two sizes inside 64 bits.</summary>
    public int? OptionalSize(string name) =>
        !keys.Has(Key(name)) ? null
        : keys.Integer(Key(name)) is var size && size is > 0 and <= 1 << 28 ? size
        : throw Bad(name, $"is {size}; it must be above 0");

    /// <summary>A count, 0 where the key is absent.</summary>
    public int Count(string name) =>
        keys.Integer(Key(name)) is not { } count ? 0
        : count is >= 0 and <= 1 << 28 ? count
        : throw Bad(name, $"is {count}; it must be 0 or more");

    /// <summary>A size of each layer, which is one number where all have the same.</summary>
    public int[] Sizes(string name, int layers)
    {
        if (keys.Count(Key(name)) is null)
            return [.. Enumerable.Repeat(Size(name), layers)];
        var sizes = keys.Integers(Key(name))!;
        if (sizes.Length != layers)
            throw Bad(name, $"lists {sizes.Length} layers, block_count says {layers}");
        foreach (var size in sizes)
            if (size is <= 0 or > 1 << 28)
                throw Bad(name, $"has {size}; sizes must be above 0");
        return [.. sizes.Select(size => (int)size)];
    }

    /// <summary>A number above 0, or null where the key is absent.</summary>
    public double? Positive(string name) =>
        keys.Number(Key(name)) is not { } number ? null
        : number > 0 && double.IsFinite(number) ? number
        : throw Bad(name, $"is {number}; it must be above 0");

    /// <summary>A text, or null.</summary>
    public string? Text(string name) => keys.Text(Key(name));

    /// <summary>Which layers see a window only: what a list says, or all but every n-th.</summary>
    /// <param name="layers">How many there are.</param>
    /// <param name="standard">n where the file does not say it (METHODS §1.1); null: it has to.</param>
    public bool[] Sliding(int layers, int? standard)
    {
        const string name = "attention.sliding_window_pattern";
        if (keys.Count(Key(name)) is not null)
        {
            var flags = keys.Integers(Key(name))!;
            return flags.Length == layers
                ? [.. flags.Select(flag => flag != 0)]
                : throw Bad(name, $"lists {flags.Length} layers, block_count says {layers}");
        }
        var pattern = OptionalSize(name) ?? standard ?? throw Missing(name);
        return [.. Enumerable.Range(0, layers).Select(i => (i + 1) % pattern != 0)];
    }

    /// <summary>The error for a key that is not there.</summary>
    public FileFormatException Missing(string name) => keys.Missing(Key(name));

    /// <summary>The error for a value that cannot be used.</summary>
    public FileFormatException Bad(string name, string problem) => keys.Bad(Key(name), problem);

    private string Key(string name) => $"{architecture}.{name}";
}
