using System;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using SharedMemory;

namespace Consumer
{
    [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
    public struct Sample
    {
        public int Number;
        public double Value;

        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 8)]
        public string Name;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Series
    {
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 12)]
        public int[] Values;
    }

    public static class Program
    {
        /// <summary>
        /// Writes a picture and a struct to two maps, and prints READY. After a line of input, prints the
        /// picture and the struct that are in the maps then, and whether too short an array is refused.
        /// </summary>
        public static void Main(string[] args)
        {
            using (var picture = new ShareMemoryHelper(args[0] + "-picture", 4096))
            using (NamedMap map = NamedMap.CreateNew(args[0] + "-struct", 4096))
            using (MemoryMappedViewAccessor view = map.CreateViewAccessor())
            {
                picture.CreateOrOpen();
                picture.WriteImage(new ImageData("C#é", new byte[] { 1, 2, 3 }));
                view.WriteStruct(new Sample { Number = -7, Value = 0.5, Name = "C#é" });
                Console.WriteLine("READY");
                Console.ReadLine();
                ImageData image = picture.ReadImage();
                Sample sample = view.ReadStruct<Sample>();
                Console.WriteLine(image.Path == "Python é");
                Console.WriteLine(BitConverter.ToString(image.Content.ToArray()));
                Console.WriteLine(sample.Number.ToString(CultureInfo.InvariantCulture));
                Console.WriteLine(sample.Value.ToString(CultureInfo.InvariantCulture));
                Console.WriteLine(sample.Name == "Pythoné");
                Console.WriteLine(IsRefused(view, new Series { Values = new int[11] }));
            }
        }

        private static bool IsRefused(MemoryMappedViewAccessor view, Series series)
        {
            try
            {
                view.WriteStruct(series);
                return false;
            }
            catch (ArgumentException)
            {
                return true;
            }
        }
    }
}
