using System.ComponentModel;
using System.Diagnostics;

namespace GemmaScope.Cli;

/// <summary>Opens a page in the user's browser, where there is a desktop with one. Whether it works or not, the address is printed.</summary>
internal static class Browser
{
    public static void Open(Uri address)
    {
        try
        {
            using var started = Command(address) is { } command ? Process.Start(command) : null;
        }
        catch (Exception problem) when (problem is Win32Exception or InvalidOperationException or PlatformNotSupportedException)
        {
            // No browser is no reason to stop.
        }
    }

    private static ProcessStartInfo? Command(Uri address)
    {
        if (OperatingSystem.IsWindows())
            return new ProcessStartInfo(address.ToString()) { UseShellExecute = true };
        if (OperatingSystem.IsMacOS())
            return new ProcessStartInfo("open", [address.ToString()]);
        var desktop = ((string[])["DISPLAY", "WAYLAND_DISPLAY"]).Any(name => Environment.GetEnvironmentVariable(name) is { Length: > 0 });
        return desktop
            ? new ProcessStartInfo("xdg-open", [address.ToString()]) { RedirectStandardOutput = true, RedirectStandardError = true }
            : null;
    }
}
