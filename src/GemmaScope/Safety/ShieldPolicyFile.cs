using GemmaScope.Files;

namespace GemmaScope.Safety;

/// <summary>
/// Reads policies of one's own from YAML or JSON: a mapping with <c>version</c> and a list <c>policies</c>, each with <c>key</c>,
/// <c>name</c> and either
/// <c>text</c>, which follows the official beginnings, or whole guideline lines <c>prompt</c> and <c>response</c>; <c>threshold</c> may be
/// added.
/// An entry with nothing but the key of an official policy and a threshold takes that policy over.
/// </summary>
public static class ShieldPolicyFile
{
    /// <summary>The policies of a file, in its order.</summary>
    /// <exception cref="FileFormatException">The file cannot be read, or a policy is incomplete or named twice; the message names
    /// it.</exception>
    public static IReadOnlyList<ShieldPolicy> Load(string path)
    {
        var file = YamlFile.Read(path);
        file.RequireKnown("version", "policies");
        var version = file.Text("version") ?? throw file.Missing("version");
        ShieldPolicy[] policies = [.. file.Objects("policies").Select(entry => Read(entry, version))];
        if (policies.Length == 0)
            throw file.Bad("policies", "is empty; give at least one");
        if (
            policies.GroupBy(policy => policy.Key, StringComparer.OrdinalIgnoreCase).FirstOrDefault(group => group.Count() > 1) is { } twice
        )
            throw file.Bad("policies", $"has two policies with the key '{twice.Key}'");
        return policies;
    }

    private static ShieldPolicy Read(JsonSection entry, string version)
    {
        entry.RequireKnown("key", "name", "text", "prompt", "response", "threshold");
        var key = entry.Text("key") ?? throw entry.Missing("key");
        if (key.Length == 0 || key.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('_' or '-')))
            throw entry.Bad("key", $"must be of letters, digits, - and _, found '{key}'");
        var threshold = entry.Number("threshold") ?? 0.5;
        if (threshold is < 0 or > 1)
            throw entry.Bad("threshold", $"must lie between 0 and 1, found {threshold}");
        return Wording(entry, key, version) with { Threshold = threshold };
    }

    private static ShieldPolicy Wording(JsonSection entry, string key, string version)
    {
        var (name, text, prompt, response) = (entry.Text("name"), entry.Text("text"), entry.Text("prompt"), entry.Text("response"));
        if (
            (name, text, prompt, response) is (null, null, null, null)
            && ShieldPolicy.Official.FirstOrDefault(policy => policy.Key == key) is { } official
        )
            return official;
        if (name is null)
            throw entry.Missing("name");
        if (text is not null && (prompt ?? response) is not null)
            throw entry.Bad("text", "cannot stand beside prompt and response, which are whole lines");
        var policy = text is not null
            ? ShieldPolicy.Of(key, name, text)
            : new ShieldPolicy(key, name, prompt ?? throw entry.Missing("prompt"), response ?? throw entry.Missing("response"));
        return policy with { Version = version };
    }
}
