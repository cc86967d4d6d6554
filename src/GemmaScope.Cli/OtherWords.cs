namespace GemmaScope.Cli;

/// <summary>Options that people bring along from other programs, and what is said here instead.</summary>
internal static class OtherWords
{
    private const string Sae = "a release and an id of SAELens are one name here: --sae RELEASE/ID",
        Hook = "a dictionary says itself where it reads; --layer and --site choose one of several",
        Device = "models run on the CPU, so there is nothing to choose",
        Text = "a text stands alone, without an option before it";

    private static readonly Dictionary<string, string> Known = new()
    {
        ["--release"] = Sae,
        ["--sae-release"] = Sae,
        ["--sae-id"] = Sae,
        ["--hook"] = Hook,
        ["--hook-name"] = Hook,
        ["--hook-point"] = Hook,
        ["--device"] = Device,
        ["--cuda"] = Device,
        ["--gpu"] = Device,
        ["--prompt"] = Text,
    };

    /// <summary>What a word of another program is here, or null.</summary>
    public static string? Find(string word) => Known.GetValueOrDefault(word.Split('=')[0].Replace('_', '-'));
}
