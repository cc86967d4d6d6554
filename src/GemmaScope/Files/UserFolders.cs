namespace GemmaScope.Files;

/// <summary>
/// Where a user keeps settings and caches: as XDG says, else below the home folder. Nothing is ever kept in the folder a program happens to
/// run in. The folders are made by whoever writes there: a fresh home has none of them.
/// </summary>
internal static class UserFolders
{
    private const string Own = "gemmascope";

    /// <summary>The home folder, or null where there is none.</summary>
    /// <param name="variable">Reads a variable of the environment.</param>
    public static string? Home(Func<string, string?> variable) =>
        variable("HOME") is { } home && Path.IsPathRooted(home) ? home
        : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify)
            is { Length: > 0 } known
            ? known
        : null;

    /// <summary>The folder of this product's settings, or null where a user has no place for any.</summary>
    /// <param name="variable">Reads a variable of the environment.</param>
    public static string? FindSettings(Func<string, string?> variable) =>
        Find(
            variable,
            "XDG_CONFIG_HOME",
            Environment.SpecialFolder.ApplicationData,
            OperatingSystem.IsMacOS() ? Path.Combine("Library", "Application Support") : ".config"
        );

    /// <summary>The folder of files that this product makes for a user and can make again, or null where there is no place for any.</summary>
    /// <param name="variable">Reads a variable of the environment.</param>
    public static string? FindCache(Func<string, string?> variable) =>
        Find(
            variable,
            "XDG_CACHE_HOME",
            Environment.SpecialFolder.LocalApplicationData,
            OperatingSystem.IsMacOS() ? Path.Combine("Library", "Caches") : ".cache"
        );

    private static string? Find(Func<string, string?> variable, string xdg, Environment.SpecialFolder windows, string belowHome)
    {
        // XDG has relative paths ignored.
        if (variable(xdg) is { } configured && Path.IsPathRooted(configured))
            return Path.Combine(configured, Own);
        if (OperatingSystem.IsWindows())
            return Path.Combine(Environment.GetFolderPath(windows, Environment.SpecialFolderOption.DoNotVerify), Own);
        var home = Home(variable);
        return home is null || !Directory.Exists(home) ? null : Path.Combine(home, belowHome, Own);
    }

    /// <summary>The same where it is needed.</summary>
    /// <param name="variable">Reads a variable of the environment.</param>
    /// <param name="instead">The variable that names the file itself.</param>
    /// <exception cref="ArgumentProblemException">There is none.</exception>
    public static string Settings(Func<string, string?> variable, string instead) =>
        FindSettings(variable)
        ?? throw new ArgumentProblemException(
            $"there is no home folder{(Home(variable) is { } home ? $" ({home} does not exist)" : "")} to keep settings in; "
                + $"set HOME to a folder of yours, or {instead} to a file",
            "settings"
        );
}
