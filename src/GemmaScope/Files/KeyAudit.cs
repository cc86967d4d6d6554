using System.Text.Json;
using System.Text.RegularExpressions;

namespace GemmaScope.Files;

/// <summary>
/// Goes over the keys of a configuration that its reader has not asked for. Each is known to be harmless, is off, or is refused by name
/// where that name speaks of arithmetic; what is left is told. So a setting that changes numbers cannot be dropped in silence.
/// </summary>
/// <param name="harmless">Keys of no consequence for what is computed.</param>
/// <param name="onlyOff">Keys of no consequence while they are off; on, they ask for code that is not here.</param>
/// <param name="arithmetic">What the names of settings that change numbers look like.</param>
internal sealed class KeyAudit(string harmless, string onlyOff, Regex arithmetic)
{
    private readonly HashSet<string> _harmless = Words(harmless);
    private readonly HashSet<string> _onlyOff = Words(onlyOff);

    /// <summary>Judges the keys nobody has asked for.</summary>
    /// <param name="root">The whole file, watched.</param>
    /// <param name="counting">The object whose settings count; a key that repeats one of them with the same value is harmless.</param>
    /// <returns>What the user should know: keys nobody knows.</returns>
    /// <exception cref="FileFormatException">A key asks for something that is not computed here, or contradicts the one that
    /// counts.</exception>
    public IReadOnlyList<string> Check(JsonSection root, JsonSection counting)
    {
        List<string> warnings = [];
        foreach (var (section, key, value) in root.Unread().ToList())
        {
            if (IsOff(value) || _harmless.Contains(key))
                continue;
            if (_onlyOff.Contains(key))
                throw section.Bad(key, $"is {Short(value)}, which this program does not compute");
            if (!SameObject(section, counting) && counting.Element.TryGetProperty(key, out var other))
            {
                if (JsonElement.DeepEquals(other, value))
                    continue;
                throw section.Bad(key, $"is {Short(value)} while '{counting.FullName(key)}' is {Short(other)}; correct one of them");
            }
            if (arithmetic.IsMatch(key))
                throw section.Bad(
                    key,
                    $"is {Short(value)}, a setting that this program does not know and whose name speaks of arithmetic; "
                        + "remove it if the same is computed without it"
                );
            warnings.Add(
                $"{section.File}: '{section.FullName(key)}' is not known; if it changes what is computed, the numbers here are others"
            );
        }
        // One empty list for all, so that configurations compare as equal.
        return warnings is [] ? Array.Empty<string>() : warnings;
    }

    /// <summary>Whether a setting says nothing: absent, false, or an empty list or object.</summary>
    public static bool IsOff(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Null or JsonValueKind.False => true,
            JsonValueKind.Object => !value.EnumerateObject().Any(),
            JsonValueKind.Array => value.GetArrayLength() == 0,
            _ => false,
        };

    private static bool SameObject(JsonSection a, JsonSection b) => a.FullName("") == b.FullName("");

    private static string Short(JsonElement value) => value.GetRawText() is { Length: <= 60 } text ? text : value.GetRawText()[..60] + " …";

    private static HashSet<string> Words(string text) =>
        new(text.Split(' ', StringSplitOptions.RemoveEmptyEntries), StringComparer.Ordinal);
}
